//! The local server with a node of the test's own behind it: sockets, users, pipelining, and clients that misbehave.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

mod fake_node;
mod places;

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use model::{Door, Name, Symbol};
use node::server::{ServerError, SocketError};
use wire::client::{Client, ClientError};
use wire::frame::{FrameBuffer, append_frame};
use wire::{
    Answer, AnswerFrame, CashPage, ClockReport, Filter, OrderFilter, RefusalKind, Request, RequestFrame,
    ScopeName, Submit, Subscribe,
};

use fake_node::{ADMISSION, FakeNode, Running, deposit, eventually, refusal, serve, submit};

#[test]
fn only_its_own_user_may_connect_and_is_journalled() {
    let running = Running::start();
    let mode = std::fs::metadata(&running.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (mut first, mut second) = (running.client(), running.client());
    first.call(&deposit("a")).unwrap();
    second.call(&deposit("b")).unwrap();
    let origins = running.node.origins.lock().unwrap().clone();
    let uid = rustix::process::getuid().as_raw();
    assert!(origins.iter().all(|origin| origin.uid == uid));
    assert_ne!(origins[0].client, origins[1].client);
    assert!(origins.iter().all(|origin| origin.client > 0 && origin.door == Door::LocalSocket));
}

#[test]
fn commands_and_queries_are_answered() {
    let running = Running::start();
    let mut client = running.client();
    assert_eq!(client.call(&Request::Ping {}).unwrap(), Answer::Pong { version: 1 });
    let Answer::Done(first) = client.call(&deposit("a")).unwrap() else { panic!() };
    assert!(!first.repeated);
    let Answer::Done(again) = client.call(&deposit("a")).unwrap() else { panic!() };
    assert!(again.repeated);
    let Answer::Cash(CashPage { rows, .. }) = client.call(&Request::Cash(Filter::default())).unwrap() else {
        panic!()
    };
    assert_eq!((rows.len(), rows[0].available), (1, "1000.50".parse().unwrap()));
    let Answer::Denied(denied) = client.call(&submit("x")).unwrap() else { panic!() };
    assert_eq!(
        (denied.number, denied.name.as_str(), denied.field.as_str()),
        (202, "SessionNotReady", "session")
    );
    assert!(denied.position.is_some());
    let Answer::Done(halt) = client.call(&Request::Halt(ScopeName::Firm {})).unwrap() else { panic!() };
    assert_eq!(halt.positions.len(), 1);
    let Answer::Status(status) = client.call(&Request::Status {}).unwrap() else { panic!() };
    assert_eq!((status.accounts, status.halts.len(), status.halts[0].kind.as_str()), (6, 1, "firm"));
    let Answer::Orders(page) = client.call(&Request::Orders(OrderFilter::default())).unwrap() else {
        panic!()
    };
    assert!(page.rows.is_empty() && page.next.is_none());
}

#[test]
fn a_clock_that_jumped_is_shown_and_accepted_as_it_was_shown() {
    let running = Running::start();
    let mut client = running.client();
    assert_eq!(client.call(&Request::Clock {}).unwrap(), Answer::Clock(ClockReport::default()));
    let nowhere = Request::ClockAccept { found: "7:1".parse().unwrap() };
    assert_eq!(refusal(&client.call(&nowhere).unwrap()), RefusalKind::BadPosition);
    let nothing = Request::ClockAccept { found: "0:1".parse().unwrap() };
    let Answer::Denied(denied) = client.call(&nothing).unwrap() else { panic!() };
    assert_eq!((denied.number, denied.name.as_str()), (210, "NothingToAccept"));
    running.node.find_clock(-3 * 86_400_000_000_000);
    running.node.find_clock(3 * 86_400_000_000_000);
    let Answer::Status(status) = client.call(&Request::Status {}).unwrap() else { panic!() };
    let Answer::Clock(report) = client.call(&Request::Clock {}).unwrap() else { panic!() };
    let [row] = &report.rows[..] else { panic!() };
    assert_eq!(status.clock, std::slice::from_ref(&row.clock));
    assert_eq!((row.clock.found.seq, row.clock.direction.as_str()), (running.node.seq(), "ahead"));
    assert_eq!((row.step_ns, row.clock.off_ns), (259_200_000_000_000, 259_200_000_000_000));
    assert!(row.clock.since.starts_with("2026-11-20T14:00:00"), "{row:?}");
    let Answer::Denied(denied) = client.call(&submit("x")).unwrap() else { panic!() };
    assert_eq!((denied.number, denied.name.as_str()), (208, "ClockSuspect"));
    let accept = Request::ClockAccept { found: row.clock.found };
    assert!(matches!(client.call(&accept).unwrap(), Answer::Done(_)));
    let Answer::Status(status) = client.call(&Request::Status {}).unwrap() else { panic!() };
    assert!(status.clock.is_empty());
    assert!(matches!(client.call(&accept).unwrap(), Answer::Denied(_)), "once");
}

#[test]
fn names_that_lead_nowhere_are_denied_without_a_record() {
    let running = Running::start();
    let mut client = running.client();
    let before = running.node.seq();
    let with = |change: fn(&mut Submit)| {
        let Request::Submit(mut order) = submit("x") else { panic!() };
        change(&mut order);
        Request::Submit(order)
    };
    let Answer::Denied(denied) =
        client.call(&with(|order| order.account = Name::new("NO").unwrap())).unwrap()
    else {
        panic!()
    };
    assert_eq!((denied.number, denied.position), (101, None));
    let Answer::Denied(denied) =
        client.call(&with(|order| order.symbol = Symbol::new("NO").unwrap())).unwrap()
    else {
        panic!()
    };
    assert_eq!(denied.number, 102);
    let answer = client.call(&with(|order| order.strategy = Some(Name::new("MOMENTUN").unwrap()))).unwrap();
    let Answer::Refused(refused) = answer else { panic!() };
    assert!(refused.text.contains("did you mean \"MOMENTUM\"?"), "{}", refused.text);
    assert_eq!(running.node.seq(), before);
}

#[test]
fn answers_in_flight_are_bounded_and_carry_their_ids() {
    let running = Running::start();
    running.node.hold();
    let stream = UnixStream::connect(&running.path).unwrap();
    let mut bytes = Vec::new();
    for id in 0..1030 {
        append_frame(&mut bytes, &RequestFrame { id, request: &submit(&format!("o{id}")) }).unwrap();
    }
    let mut writing = stream.try_clone().unwrap();
    let writer = std::thread::spawn(move || writing.write_all(&bytes).unwrap());
    let mut reader = Answers::new(stream);
    let mut refused: Vec<u64> = Vec::new();
    for _ in 0..6 {
        let frame = reader.next();
        assert_eq!(refusal(&frame.answer), RefusalKind::TooManyInFlight);
        refused.push(frame.id.unwrap());
    }
    refused.sort_unstable();
    assert_eq!(refused, (1024..1030).collect::<Vec<_>>());
    writer.join().unwrap();
    running.node.release();
    let mut answered: Vec<u64> = (0..1024).map(|_| reader.next().id.unwrap()).collect();
    answered.sort_unstable();
    assert_eq!(answered, (0..1024).collect::<Vec<_>>());
}

struct Answers {
    stream: UnixStream,
    frames: FrameBuffer,
}

impl Answers {
    fn new(stream: UnixStream) -> Self {
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        Self { stream, frames: FrameBuffer::default() }
    }

    fn next(&mut self) -> AnswerFrame {
        loop {
            if let Some(content) = self.frames.next_frame().unwrap() {
                return serde_json::from_slice(content).unwrap();
            }
            let mut bytes = [0; 4096];
            let len = self.stream.read(&mut bytes).unwrap();
            assert!(len > 0, "the server hung up");
            self.frames.extend(&bytes[..len]);
        }
    }

    fn is_at_end(&mut self) -> bool {
        matches!(self.stream.read(&mut [0; 16]), Ok(0))
    }
}

#[test]
fn a_pipeline_keeps_its_order() {
    let running = Running::start();
    let mut client = running.client();
    let requests: Vec<Request> = (0..2000).map(|n| submit(&format!("o{n}"))).collect();
    let mut seqs = Vec::new();
    client
        .pipeline(&requests, |index, answer| {
            assert_eq!(index, seqs.len());
            let Answer::Denied(denied) = answer else { panic!() };
            seqs.push(denied.position.unwrap().seq);
        })
        .unwrap();
    assert_eq!(seqs.len(), 2000);
    assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]));
}

#[test]
fn a_full_ring_is_a_typed_refusal() {
    let running = Running::start();
    running.node.full.store(true, Ordering::Relaxed);
    let Answer::Refused(refused) = running.client().call(&submit("x")).unwrap() else { panic!() };
    assert_eq!((refused.kind, refused.limit, refused.retry), (RefusalKind::RingFull, Some(64), true));
}

#[test]
fn garbage_is_answered_and_harms_nobody_else() {
    let running = Running::start();
    let mut good = running.client();
    let mut stream = UnixStream::connect(&running.path).unwrap();
    let content = b"{\"id\": 3, \"request\": {\"submit\": {}}}";
    stream.write_all(&u32::try_from(content.len()).unwrap().to_le_bytes()).unwrap();
    stream.write_all(content).unwrap();
    stream.write_all(&4u32.to_le_bytes()).unwrap();
    stream.write_all(b"\xff\x00{]").unwrap();
    stream.write_all(&u32::MAX.to_le_bytes()).unwrap();
    let mut answers = Answers::new(stream);
    let first = answers.next();
    assert_eq!((first.id, refusal(&first.answer)), (Some(3), RefusalKind::BadRequest));
    let second = answers.next();
    assert_eq!((second.id, refusal(&second.answer)), (None, RefusalKind::NotJson));
    let third = answers.next();
    assert_eq!((third.id, refusal(&third.answer)), (None, RefusalKind::FrameTooLarge));
    assert!(answers.is_at_end());
    assert!(matches!(good.call(&deposit("a")).unwrap(), Answer::Done(_)));
}

#[test]
fn a_client_that_vanishes_in_the_middle_harms_nobody() {
    let running = Running::start();
    running.node.hold();
    let mut stream = UnixStream::connect(&running.path).unwrap();
    let mut bytes = Vec::new();
    append_frame(&mut bytes, &RequestFrame { id: 1, request: &submit("whole") }).unwrap();
    let whole = bytes.len();
    append_frame(&mut bytes, &RequestFrame { id: 2, request: &submit("half") }).unwrap();
    stream.write_all(&bytes[..whole + 20]).unwrap();
    eventually("the whole request arrives", || running.node.submitted.load(Ordering::Acquire) == 1);
    drop(stream);
    running.node.release();
    let mut other = running.client();
    assert!(matches!(other.call(&deposit("a")).unwrap(), Answer::Done(_)));
    assert_eq!(running.node.submitted.load(Ordering::Acquire), 2);
}

#[test]
fn answers_still_come_after_the_client_closed_its_writing_side() {
    let running = Running::start();
    running.node.hold();
    let mut stream = UnixStream::connect(&running.path).unwrap();
    let mut bytes = Vec::new();
    append_frame(&mut bytes, &RequestFrame { id: 1, request: &submit("x") }).unwrap();
    stream.write_all(&bytes).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    eventually("the request arrives", || running.node.submitted.load(Ordering::Acquire) == 1);
    running.node.release();
    let mut answers = Answers::new(stream);
    assert_eq!(answers.next().id, Some(1));
    assert!(answers.is_at_end());
}

#[test]
fn a_subscriber_gets_events_with_names_and_a_last_word() {
    let running = Running::start();
    let mut subscriber = running.client();
    let answer =
        subscriber.call(&Request::Subscribe(Subscribe { from: vec!["7:1".parse().unwrap()] })).unwrap();
    assert_eq!(refusal(&answer), RefusalKind::BadPosition);
    let id = subscriber.send(&Request::Subscribe(Subscribe::default())).unwrap();
    assert_eq!(subscriber.answer_to(id).unwrap(), Answer::Subscribed {});
    running.client().call(&deposit("a")).unwrap();
    let (from, answer) = subscriber.next_answer().unwrap();
    let Answer::Event(published) = answer else { panic!("{answer:?}") };
    assert_eq!(from, Some(id));
    assert_eq!(published.event["cash_moved"]["account"], "GROWTH-1");
    assert_eq!(published.position.seq, running.node.seq());
    running.node.feeds.lock().unwrap().clear();
    let (from, answer) = subscriber.next_answer().unwrap();
    assert_eq!((from, refusal(&answer)), (Some(id), RefusalKind::TooSlow));
}

#[test]
fn a_second_node_on_the_same_socket_is_refused() {
    let running = Running::start();
    let refused = serve(FakeNode::new(), &running.path, ADMISSION).unwrap_err();
    assert!(matches!(refused, ServerError::Socket(SocketError::InUse(_))), "{refused}");
    assert!(matches!(running.client().call(&Request::Ping {}).unwrap(), Answer::Pong { .. }));
}

#[test]
fn a_client_reconnects_after_the_node_came_back() {
    let mut running = Running::start();
    let mut client = running.client();
    client.call(&deposit("a")).unwrap();
    running.plane.take().unwrap().stop();
    assert!(!running.path.exists());
    let error = client.call(&deposit("b")).unwrap_err();
    assert!(matches!(error, ClientError::Closed), "{error}");
    assert!(matches!(client.call(&deposit("b")), Err(ClientError::Broken)));
    assert!(matches!(client.reconnect(Duration::ZERO), Err(ClientError::NotRunning { .. })));
    let (node, path) = (Arc::<FakeNode>::clone(&running.node), running.path.clone());
    let again = std::thread::spawn(move || serve(node, &path, ADMISSION).unwrap());
    client.reconnect(Duration::from_mins(1)).unwrap();
    let Answer::Done(first) = client.call(&deposit("a")).unwrap() else { panic!() };
    assert!(first.repeated, "what was recorded before is not done twice");
    drop(again.join().unwrap());
}

#[test]
fn stopping_lets_requests_in_flight_be_answered() {
    let mut running = Running::start();
    running.node.hold();
    let mut client = running.client();
    let id = client.send(&submit("x")).unwrap();
    client.flush().unwrap();
    eventually("the request arrives", || running.node.submitted.load(Ordering::Acquire) == 1);
    let plane = running.plane.take().unwrap();
    let stopping = std::thread::spawn(move || plane.stop());
    running.node.release();
    assert!(matches!(client.answer_to(id).unwrap(), Answer::Denied(_)));
    stopping.join().unwrap();
    assert!(matches!(client.call(&Request::Ping {}), Err(ClientError::Closed)));
}

#[test]
fn a_client_gives_up_on_a_node_that_does_not_answer() {
    let running = Running::start();
    running.node.hold();
    let mut client = running.client();
    client.set_timeout(Duration::from_millis(50)).unwrap();
    assert!(matches!(client.call(&submit("x")), Err(ClientError::Timeout(_))));
    running.node.release();
    let nobody = Client::connect(Path::new("/nonexistent/gannet.sock")).unwrap_err();
    assert!(matches!(nobody, ClientError::NotRunning { .. }), "{nobody}");
}
