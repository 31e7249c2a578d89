//! Who finds a place: silent clients, greedy ones, and the operator who must be heard.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use node::config::SocketAccess;
use node::server::{Admission, Room};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use wire::client::{Client, ClientError};
use wire::frame::FrameBuffer;
use wire::{Answer, AnswerFrame, Filter, Refusal, RefusalKind, Request, ScopeName};

use super::fake_node::{Running, deposit, eventually, refusal};

const FEW: Admission = Admission {
    room: Room { ordinary: 4, urgent: 2, waiting: 4, leaving: 8 },
    first_request: Duration::from_mins(1),
    access: SocketAccess::User,
};

/// Both ends of every connection are in this process.
fn raise_limit() {
    let most = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most }).unwrap();
}

fn silent(path: &Path, clients: usize) -> Vec<UnixStream> {
    (0..clients).map(|_| UnixStream::connect(path).unwrap()).collect()
}

fn halt() -> Request {
    Request::Halt(ScopeName::Firm {})
}

/// Clients that have spoken once and stay.
fn seated(running: &Running, clients: usize, word: &Request) -> Vec<Client> {
    let one = |_| {
        let mut client = running.client();
        client.call(word).unwrap();
        client
    };
    (0..clients).map(one).collect()
}

/// What the node says before it closes the connection.
fn last_word(mut stream: UnixStream) -> Refusal {
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let mut frames = FrameBuffer::default();
    frames.extend(&bytes);
    let frame: AnswerFrame = serde_json::from_slice(frames.next_frame().unwrap().unwrap()).unwrap();
    match (frame.id, frame.answer) {
        (None, Answer::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

fn turned_away(client: &mut Client, request: &Request) -> RefusalKind {
    match client.call(request) {
        Ok(answer) => refusal(&answer),
        Err(ClientError::TurnedAway(refusal)) => refusal.kind,
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn silent_clients_lock_nobody_out() {
    raise_limit();
    let running = Running::start();
    let _silent = silent(&running.path, 400);
    assert!(matches!(running.client().call(&halt()).unwrap(), Answer::Done(_)));
    assert!(matches!(running.client().call(&deposit("a")).unwrap(), Answer::Done(_)));
    let _more = silent(&running.path, 400);
    assert!(matches!(running.client().call(&Request::Status {}).unwrap(), Answer::Status(_)));
}

#[test]
fn a_silent_client_is_told_when_its_time_is_over() {
    let running = Running::admitting(Admission { first_request: Duration::from_millis(30), ..FEW });
    let said = last_word(UnixStream::connect(&running.path).unwrap());
    assert_eq!((said.kind, said.retry), (RefusalKind::Silent, true));
    assert!(said.text.contains("0.03 s"), "{}", said.text);
    // Half a frame is not a request, however it comes.
    let mut half = UnixStream::connect(&running.path).unwrap();
    std::io::Write::write_all(&mut half, &[200, 0, 0, 0, b'{']).unwrap();
    assert_eq!(last_word(half).kind, RefusalKind::Silent);
    // Who has spoken may be silent for as long as he likes.
    let mut client = running.client();
    while client.call(&Request::Ping {}).is_err() {
        // This thread was not quick enough.
        client = running.client();
    }
    assert_eq!(last_word(UnixStream::connect(&running.path).unwrap()).kind, RefusalKind::Silent);
    assert!(matches!(client.call(&deposit("a")).unwrap(), Answer::Done(_)));
}

#[test]
fn of_those_who_wait_the_oldest_makes_room() {
    let running = Running::admitting(FEW);
    let mut silent = silent(&running.path, FEW.room.waiting + 1);
    let said = last_word(silent.remove(0));
    assert_eq!(said.kind, RefusalKind::TooManyConnections);
}

#[test]
fn when_every_place_is_taken_the_operator_is_heard_and_others_are_told() {
    let running = Running::admitting(FEW);
    let _strategies = seated(&running, 4, &Request::Ping {});
    let mut other = running.client();
    assert_eq!(turned_away(&mut other, &deposit("a")), RefusalKind::TooManyConnections);
    let mut operator = running.client();
    assert!(matches!(operator.call(&halt()).unwrap(), Answer::Done(_)));
    assert!(matches!(operator.call(&Request::Status {}).unwrap(), Answer::Status(_)));
    let said = turned_away(&mut operator, &Request::Cash(Filter::default()));
    assert_eq!(said, RefusalKind::TooManyConnections, "an urgent place is for what is urgent");
    assert!(running.client().call(&halt()).is_ok());
}

#[test]
fn a_greedy_client_takes_urgent_places_only_from_itself() {
    let running = Running::admitting(FEW);
    let _strategies = seated(&running, 4, &Request::Ping {});
    let mut greedy = seated(&running, 20, &Request::Status {});
    assert!(matches!(running.client().call(&halt()).unwrap(), Answer::Done(_)));
    assert_eq!(turned_away(&mut greedy[0], &Request::Status {}), RefusalKind::TooManyConnections);
}

#[test]
fn an_urgent_place_falls_free_by_itself_and_an_ordinary_one_is_better() {
    let running = Running::admitting(FEW);
    let mut strategies = seated(&running, 4, &Request::Ping {});
    let mut idle = running.client();
    idle.call(&Request::Status {}).unwrap();
    let (from, said) = idle.next_answer().unwrap();
    assert_eq!((from, refusal(&said)), (None, RefusalKind::TooManyConnections));
    let mut operator = running.client();
    operator.call(&Request::Status {}).unwrap();
    strategies.pop();
    eventually("the place of one who left is given away", || {
        running.client().call(&Request::Ping {}).is_ok_and(|answer| matches!(answer, Answer::Pong { .. }))
    });
}

#[test]
fn a_client_that_is_turned_away_while_it_writes_still_learns_why() {
    let running = Running::admitting(Admission {
        room: Room { ordinary: 1, urgent: 1, waiting: 1, leaving: 0 },
        first_request: Duration::from_mins(1),
        access: SocketAccess::User,
    });
    let _one = seated(&running, 1, &Request::Ping {});
    // More than a socket holds, so that writing fails in the middle.
    let mut client = running.client();
    let requests: Vec<Request> = (0..20_000).map(|number| deposit(&format!("d{number}"))).collect();
    let failed = client.pipeline(&requests, |_, answer| {
        assert_eq!(refusal(&answer), RefusalKind::TooManyConnections);
    });
    assert!(matches!(failed, Err(ClientError::TurnedAway(_) | ClientError::Closed)), "{failed:?}");
}
