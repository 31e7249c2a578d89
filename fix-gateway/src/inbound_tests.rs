use proptest::prelude::*;

use super::*;

const SESSION: SessionId = SessionId::new(3);

fn raw(fields: &str) -> Vec<u8> {
    format!("8=FIX.4.4|9=1|{fields}|10=000|").replace('|', "\x01").into_bytes()
}

fn id(seq: u64) -> WireId {
    WireId { seq, incarnation: 1, shard: 0 }
}

fn read(fields: &str) -> Inbound {
    translate(SESSION, &raw(fields), |_| None)
}

fn report(fields: &str) -> ExecutionReport {
    match read(fields) {
        Inbound::Report { report, .. } => report,
        other => panic!("{other:?}"),
    }
}

fn cause(fields: &str) -> QuarantineCause {
    match read(fields) {
        Inbound::Input(Input::Quarantined(message)) => {
            assert_eq!(message.raw, raw(fields));
            message.cause
        }
        other => panic!("{other:?}"),
    }
}

const FILL: &str = "35=8|34=12|43=Y|11=G1-0-7|41=G1-0-5|37=B-9|17=E-1|150=F|39=1|55=MSFT|54=1|32=100.|31=.5|14=100\
    |151=50|12=1.25|13=3|75=20131007|64=20131010|58=half|790=G1-0-7";

#[test]
fn a_fill_is_translated_field_by_field() {
    let expected = ExecutionReport {
        session: SESSION,
        msg_seq_num: 12,
        poss_dup: true,
        cl_ord_id: Some(id(7)),
        orig_cl_ord_id: Some(id(5)),
        broker_order_id: Text::new("B-9").unwrap(),
        exec_id: ExecId::new("E-1").unwrap(),
        exec_type: ExecType::Trade,
        ord_status: OrdStatus::PartiallyFilled,
        symbol: Symbol::new("MSFT").unwrap(),
        side: Side::Buy,
        last_quantity: 100u32.into(),
        last_price: "0.5".parse().unwrap(),
        cum_quantity: 100u32.into(),
        leaves_quantity: 50u32.into(),
        commission: "1.25".parse().ok(),
        trade_date: Date::from_civil(2013, 10, 7),
        settlement_date: Date::from_civil(2013, 10, 10),
        reject_code: 0,
        text: Reference::new("half").unwrap(),
    };
    assert_eq!(read(FILL), Inbound::Report { report: expected, status_request: Some(id(7)) });
}

#[test]
fn an_odd_tag_does_not_cost_a_fill() {
    let bare =
        report("35=8|34=2|11=G1-0-7|17=E-1|150=F|54=2|32=1|31=2|14=x|151=y|12=z|75=today|103=-1|9999=?|39=?");
    assert_eq!((bare.last_quantity, bare.last_price), (1u32.into(), 2u32.into()));
    assert_eq!((bare.ord_status, bare.commission, bare.trade_date), (OrdStatus::Filled, None, None));
    let long = report(&FILL.replace("55=MSFT", &format!("55={}", "X".repeat(30))));
    assert_eq!(long.symbol.as_str(), "X".repeat(16));
    let cases =
        [("39=1", "39=Q"), ("39=1|", ""), ("58=half", "58=\u{e9}"), ("37=B-9", "37="), ("17=E-1|", "")];
    for (from, to) in cases {
        assert_eq!(report(&FILL.replace(from, to)).last_quantity, 100u32.into(), "{to}");
    }
}

#[test]
fn fills_of_older_brokers_are_fills() {
    for code in ["150=1", "150=2", "150=2|20=0"] {
        assert_eq!(report(&FILL.replace("150=F", code)).exec_type, ExecType::Trade);
    }
    assert_eq!(cause(&FILL.replace("150=F", "150=2|20=1")), QuarantineCause::TradeCancel);
    assert_eq!(cause(&FILL.replace("150=F", "150=2|20=2")), QuarantineCause::TradeCorrect);
    assert_eq!(report(&FILL.replace("54=1", "54=5")).side, Side::Sell);
}

#[test]
fn what_cannot_be_booked_is_kept_raw() {
    use QuarantineCause::{BadField, TradeCancel, TradeCorrect, UnknownCode, UnknownMessageType};
    let long_id = format!("17={}", "E".repeat(41));
    let cases = [
        ("150=F", "150=G", TradeCorrect),
        ("150=F", "150=H", TradeCancel),
        ("150=F", "150=Z", UnknownCode),
        ("150=F", "150=FF", UnknownCode),
        ("150=F|", "", BadField),
        ("54=1", "54=Z", UnknownCode),
        ("|54=1", "", BadField),
        ("|32=100.", "", BadField),
        ("32=100.", "32=0", BadField),
        ("32=100.", "32=-5", BadField),
        ("32=100.", "32=1e2", BadField),
        ("|31=.5", "", BadField),
        ("31=.5", "31=0.12345678901234567890123456789", BadField),
        ("17=E-1", &long_id, BadField),
        ("35=8", "35=B", UnknownMessageType),
        ("35=8|", "", UnknownMessageType),
    ];
    for (from, to, expected) in cases {
        assert_eq!(cause(&FILL.replacen(from, to, 1)), expected, "{to}");
    }
}

#[test]
fn reports_that_are_no_fills_need_their_status() {
    let new = "35=8|34=2|11=G1-0-7|37=B|17=E|150=0|39=0|55=MSFT|54=1|14=0|151=100|6=0";
    assert_eq!(report(new).ord_status, OrdStatus::New);
    assert_eq!(cause(&new.replace("39=0", "39=?")), QuarantineCause::UnknownCode);
    assert_eq!(cause(&new.replace("39=0", "39=x")), QuarantineCause::UnknownCode);
    assert_eq!(cause(&new.replace("39=0|", "")), QuarantineCause::BadField);
    assert_eq!(cause(&new.replace("14=0", "14=?")), QuarantineCause::BadField);
    assert_eq!(report(&new.replace("11=G1-0-7", "11=THEIRS")).cl_ord_id, None);
    assert_eq!(report(&new.replace("|39=0", "|32=7|31=7|39=0")).last_quantity, Quantity::ZERO);
}

#[test]
fn an_executions_commission_is_an_amount_or_nothing() {
    assert_eq!(report(&FILL.replace("13=3", "13=1")).commission, None);
    assert_eq!(report(&FILL.replace("|13=3", "")).commission, "1.25".parse().ok());
}

#[test]
fn a_cancel_reject_is_translated() {
    let fields = "35=9|34=5|11=G1-0-9|41=G1-0-7|37=B|39=2|434=1|102=0|58=too late";
    let expected = CancelReject {
        session: SESSION,
        msg_seq_num: 5,
        poss_dup: false,
        cl_ord_id: Some(id(9)),
        orig_cl_ord_id: Some(id(7)),
        ord_status: OrdStatus::Filled,
        reject_code: 0,
        text: Reference::new("too late").unwrap(),
    };
    assert_eq!(read(fields), Inbound::Input(Input::CancelReject(expected)));
    assert_eq!(cause(&fields.replace("39=2", "39=?")), QuarantineCause::UnknownCode);
    assert_eq!(cause("35=9|34=5|39=2"), QuarantineCause::BadField);
}

fn reject(fields: &str, sent: SentMessage) -> Inbound {
    translate(SESSION, &raw(fields), |seq| (seq == 4).then_some(sent))
}

#[test]
fn a_refused_message_is_found_by_its_id_or_its_number() {
    let order = SentMessage { msg_type: b'D', cl_ord_id: Some(id(7)) };
    for (fields, level, code) in [
        ("35=j|34=5|45=4|372=D|380=3|58=no", RejectLevel::Business, 3),
        ("35=j|34=5|45=999|379=G1-0-7|372=D|380=3|58=no", RejectLevel::Business, 3),
        ("35=3|34=5|45=4|373=5|58=no", RejectLevel::Session, 5),
    ] {
        let Inbound::Input(Input::MessageReject(reject)) = reject(fields, order) else { panic!("{fields}") };
        assert_eq!((reject.level, reject.refused, reject.reject_code), (level, Some(id(7)), code));
        assert_eq!(reject.text.as_str(), "no");
    }
    let Inbound::Input(Input::MessageReject(foreign)) = reject("35=3|34=5|45=99", order) else { panic!() };
    assert_eq!(foreign.refused, None);
}

#[test]
fn a_refused_status_request_does_not_refuse_the_order() {
    let question = SentMessage { msg_type: b'H', cl_ord_id: Some(id(7)) };
    for fields in ["35=j|34=5|45=4|372=H|379=G1-0-7|380=3", "35=j|34=5|45=4|380=3", "35=3|34=5|45=4|373=5"] {
        let Inbound::StatusRequestRefused { reject, about } = reject(fields, question) else {
            panic!("{fields}")
        };
        assert_eq!((reject.refused, about), (None, Some(id(7))));
    }
}

#[test]
fn what_is_kept_raw_is_cut_at_its_limit() {
    let long = raw(&format!("35=B|34=9|11=G1-0-7|58={}", "x".repeat(40_000)));
    let Inbound::Input(Input::Quarantined(kept)) = translate(SESSION, &long, |_| None) else { panic!() };
    assert_eq!(kept.raw.len(), QuarantinedMessage::KEPT_BYTES);
    assert_eq!((kept.len_bytes as usize, kept.msg_seq_num, kept.cl_ord_id), (long.len(), 9, Some(id(7))));
}

proptest! {
    #![proptest_config(crate::seeded(512))]

    #[test]
    fn any_bytes_are_translated(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = translate(SESSION, &bytes, |_| None);
    }

    /// Whatever else a fill says: with id, quantity, price, side and type it is a fill.
    #[test]
    fn a_readable_fill_is_never_lost(
        extra in proptest::collection::vec((1u32..1000, "[ -~&&[^|=]]{0,12}"), 0..20),
        quantity in 1u64..1_000_000,
        price in 1u64..1_000_000,
    ) {
        let needed = [11, 17, 20, 31, 32, 34, 35, 54, 150];
        let mut fields = format!("35=8|34=3|11=G1-0-7|17=E-1|150=F|54=1|32={quantity}|31={price}");
        for (tag, value) in extra.iter().filter(|(tag, _)| !needed.contains(tag)) {
            fields = format!("{fields}|{tag}={value}");
        }
        let fill = report(&fields);
        prop_assert_eq!(fill.last_quantity.to_string(), quantity.to_string());
        prop_assert_eq!(fill.last_price.to_string(), price.to_string());
        prop_assert_eq!(fill.cl_ord_id, Some(id(7)));
    }
}
