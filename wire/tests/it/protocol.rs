//! The local protocol: what is written reads back, and no bytes whatever make it panic.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use model::{
    Amount, ClOrdId, Currency, Denial, DenyReason, LimitKind, Name, OrderType, Reference, Side, Symbol,
    TimeInForce,
};
use proptest::prelude::*;
use wire::frame::{FrameBuffer, FrameError, MAX_FRAME_BYTES, append_frame};
use wire::{
    Answer, AnswerFrame, AsideName, Cancel, CashRequest, Cursor, Denied, Filter, OfficeFilter, OfficeNote,
    OrderFilter, Refusal, RefusalKind, Replace, Request, RequestFrame, ScopeName, SetLimit, Submit,
    Subscribe, Whose, read_request,
};

fn submit() -> Submit {
    Submit {
        account: Name::new("GROWTH-1").unwrap(),
        strategy: Some(Name::new("MOMENTUM").unwrap()),
        cl_ord_id: ClOrdId::new("a-1").unwrap(),
        symbol: Symbol::new("IBM").unwrap(),
        side: Side::Buy,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::GoodTillCancel,
        quantity: "100".parse().unwrap(),
        limit_price: Some("181.250".parse().unwrap()),
    }
}

fn every_request() -> Vec<Request> {
    let account = Name::new("GROWTH-1").unwrap();
    let order = Some("G1-0-42".parse().unwrap());
    let cash = CashRequest {
        account,
        amount: "1000000.00".parse().unwrap(),
        currency: Currency::new("USD").unwrap(),
        reference: Reference::new("wire 17").unwrap(),
    };
    vec![
        Request::Ping {},
        Request::Latency { worst: 20 },
        Request::Submit(submit()),
        Request::Cancel(Cancel { account, order, cl_ord_id: None }),
        Request::Replace(Replace {
            account,
            order: None,
            cl_ord_id: Some(ClOrdId::new("a-1").unwrap()),
            quantity: "5".parse().unwrap(),
            limit_price: None,
        }),
        Request::Halt(ScopeName::Firm {}),
        Request::Resume(ScopeName::Strategy { portfolio: account, strategy: account }),
        Request::Halt(ScopeName::Instrument(Symbol::new("IBM").unwrap())),
        Request::SetLimit(SetLimit {
            whose: Whose::Portfolio(account),
            kind: LimitKind::MaxGrossExposure,
            currency: Some(Currency::new("USD").unwrap()),
            value: None,
        }),
        Request::Deposit(cash.clone()),
        Request::Withdraw(cash),
        Request::Orders(OrderFilter { open: true, order, limit: Some(5), ..OrderFilter::default() }),
        Request::Positions(Filter {
            account: Some(account),
            after: Some(Cursor { account, last: Symbol::new("IBM").unwrap() }),
            limit: Some(5),
        }),
        Request::Cash(Filter::default()),
        Request::Status {},
        Request::CancelAll(ScopeName::Firm {}),
        Request::Release(AsideName::Ticks {}),
        Request::ConfigHistory(OfficeFilter { limit: Some(5), ..OfficeFilter::default() }),
        Request::Alerts(OfficeFilter { open: true, after: Some(3), limit: None }),
        Request::AcknowledgeAlert(OfficeNote { number: 3, word: "seen".to_owned() }),
        Request::Approvals(OfficeFilter::default()),
        Request::Approve { number: 4 },
        Request::Refuse(OfficeNote { number: 4, word: "wrong account".to_owned() }),
        Request::Subscribe(Subscribe { from: vec!["0:17".parse().unwrap()] }),
    ]
}

#[test]
fn every_request_reads_back() {
    for (id, request) in (1..).zip(every_request()) {
        let mut bytes = Vec::new();
        append_frame(&mut bytes, &RequestFrame { id, request: &request }).unwrap();
        let mut frames = FrameBuffer::default();
        frames.extend(&bytes);
        let content = frames.next_frame().unwrap().unwrap();
        assert_eq!(read_request(content).unwrap(), (id, request));
        assert!(frames.is_empty());
    }
}

/// What the document shows; a client in another language relies on it.
#[test]
fn a_submission_is_spelled_as_documented() {
    let request = Request::Submit(submit());
    let json = serde_json::to_string(&RequestFrame { id: 7, request: &request }).unwrap();
    let shown = concat!(
        r#"{"id":7,"request":{"submit":{"account":"GROWTH-1","strategy":"MOMENTUM","cl_ord_id":"a-1","#,
        r#""symbol":"IBM","side":"buy","type":"limit","time_in_force":"gtc","quantity":"100","#,
        r#""limit_price":"181.25"}}}"#
    );
    assert_eq!(json, shown);
    let document = include_str!("../../../docs/local-protocol.md");
    let squeezed: String = document.chars().filter(|c| !c.is_whitespace()).collect();
    assert!(squeezed.contains(shown), "docs/local-protocol.md shows another spelling");
}

/// Every request, answer and refusal has its word in the document.
#[test]
fn the_document_names_every_word() {
    let document = include_str!("../../../docs/local-protocol.md");
    for request in every_request() {
        let value = serde_json::to_value(&request).unwrap();
        let word = value.as_object().unwrap().keys().next().unwrap().clone();
        assert!(document.contains(&format!("`{word}`")), "{word} is not documented");
    }
    for kind in [
        RefusalKind::FrameTooLarge,
        RefusalKind::NotJson,
        RefusalKind::BadRequest,
        RefusalKind::BadPosition,
        RefusalKind::TooManyInFlight,
        RefusalKind::RingFull,
        RefusalKind::JournalStalled,
        RefusalKind::Diverged,
        RefusalKind::NotComputable,
        RefusalKind::TooManyConnections,
        RefusalKind::Silent,
        RefusalKind::TooSlow,
        RefusalKind::Stopping,
        RefusalKind::AnswerLost,
    ] {
        let word = serde_json::to_value(kind).unwrap().as_str().unwrap().to_owned();
        assert!(document.contains(&format!("`{word}`")), "{word} is not documented");
    }
}

#[test]
fn a_denial_carries_its_numbers_as_strings() {
    let denial =
        Denial::beyond(DenyReason::OrderNotional, Amount::from(500_000), "500000.01".parse().unwrap());
    let answer = Answer::Denied(Denied::new(Some("0:9".parse().unwrap()), &denial));
    let frame = AnswerFrame { id: Some(1), answer };
    let json = serde_json::to_string(&frame).unwrap();
    assert!(json.contains(r#""number":403,"name":"OrderNotional","field":"notional""#), "{json}");
    assert!(json.contains(r#""limit":"500000","actual":"500000.01""#), "{json}");
    assert_eq!(serde_json::from_str::<AnswerFrame>(&json).unwrap(), frame);
}

#[test]
fn a_bad_request_says_what_is_wrong_and_keeps_its_id() {
    let submit = |from: &str, to: &str| {
        let json =
            serde_json::to_string(&RequestFrame { id: 7, request: &Request::Submit(submit()) }).unwrap();
        assert!(json.contains(from), "{json}");
        read_request(json.replace(from, to).as_bytes()).unwrap_err()
    };
    for (from, to, text) in [
        (r#""quantity":"100""#, r#""quantity":100"#, "expected a string"),
        (r#""quantity":"100""#, r#""quantity":"1e2""#, "not a decimal number"),
        (r#""side":"buy""#, r#""side":"by""#, "did you mean \"buy\"?"),
        (r#""quantity""#, r#""qty""#, "unknown field `qty`"),
        (r#""account":"GROWTH-1","#, "", "missing field `account`"),
        (r#""account":"GROWTH-1""#, r#""account":"""#, "is empty"),
        (r#""submit""#, r#""sumbit""#, "unknown variant `sumbit`"),
    ] {
        let (id, refusal) = submit(from, to);
        assert_eq!((id, refusal.kind), (Some(7), RefusalKind::BadRequest), "{to}");
        assert!(refusal.text.contains(text), "{to}: {}", refusal.text);
    }
    let (id, refusal) = read_request(b"{").unwrap_err();
    assert_eq!((id, refusal.kind), (None, RefusalKind::NotJson));
    let (id, refusal) = read_request(br#"{"request":{"ping":{}}}"#).unwrap_err();
    assert_eq!((id, refusal.kind), (None, RefusalKind::BadRequest));
}

#[test]
fn an_oversized_frame_is_a_typed_error_on_both_sides() {
    let mut frames = FrameBuffer::default();
    frames.extend(&u32::try_from(MAX_FRAME_BYTES + 1).unwrap().to_le_bytes());
    assert!(matches!(frames.next_frame(), Err(FrameError::TooLarge { .. })));
    let mut out = b"before".to_vec();
    let huge = "x".repeat(MAX_FRAME_BYTES);
    assert!(matches!(append_frame(&mut out, &huge), Err(FrameError::TooLarge { .. })));
    assert_eq!(out, b"before");
}

#[test]
fn a_refusal_says_whether_to_try_again() {
    assert!(Refusal::new(RefusalKind::RingFull, "").retry);
    assert!(!Refusal::new(RefusalKind::BadRequest, "").retry);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64), 0..16)) {
        let mut frames = FrameBuffer::default();
        for chunk in chunks {
            frames.extend(&chunk);
            while let Ok(Some(content)) = frames.next_frame() {
                let _ = read_request(content);
            }
        }
    }

    #[test]
    fn arbitrary_content_never_panics(content in prop::collection::vec(any::<u8>(), 0..256)) {
        let _ = read_request(&content);
    }

    /// However the stream is cut into reads, the same frames come out.
    #[test]
    fn frames_survive_any_cut(cuts in prop::collection::vec(1usize..200, 1..40)) {
        let mut stream = Vec::new();
        let requests = every_request();
        for (id, request) in (1..).zip(&requests) {
            append_frame(&mut stream, &RequestFrame { id, request }).unwrap();
        }
        let mut frames = FrameBuffer::default();
        let mut read = Vec::new();
        let (mut rest, mut cuts) = (stream.as_slice(), cuts.iter().cycle());
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
            rest = after;
            frames.extend(chunk);
            while let Some(content) = frames.next_frame().unwrap() {
                read.push(read_request(content).unwrap().1);
            }
        }
        prop_assert_eq!(read, requests);
    }
}
