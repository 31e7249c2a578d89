//! A node that may open few files: its journals and its session come first, its clients get what is left.
#![cfg(feature = "quickfix")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use model::{Name, Reference};
use node::config::{EXAMPLE_INSTRUMENTS, EXAMPLE_NODE};
use wire::client::{Client, ClientError};
use wire::{Answer, CashPage, CashRequest, Filter, RefusalKind, Request};

/// A node in a process of its own, which may have so many files open.
struct Node {
    child: Child,
    folder: tempfile::TempDir,
}

fn gannet(folder: &Path, files: u32, words: &str) -> Command {
    let mut command = Command::new("bash");
    // What this process was handed by others is not the node's to count.
    let close = "for file in /proc/self/fd/*; do n=${file##*/}; [ $n -gt 2 ] && eval \"exec $n>&-\"; done";
    let program = env!("CARGO_BIN_EXE_gannet");
    command.arg("-c").arg(format!("{close}; ulimit -n {files}; exec {program} {words}"));
    command.current_dir(folder).stdin(Stdio::null());
    command
}

/// Small segments and frequent snapshots, and a broker that is down, which takes a socket for each attempt.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let text = EXAMPLE_NODE
        .replace("segment_kib = 65_536", "segment_kib = 128")
        .replace("snapshot_records = 1_000_000", "snapshot_records = 500")
        .replace("port = 9011", &format!("port = {port}"))
        .replace("127.0.0.1:9010", &format!("127.0.0.1:{port}"));
    std::fs::write(folder.path().join("node.toml"), text).unwrap();
    std::fs::write(folder.path().join("instruments.toml"), EXAMPLE_INSTRUMENTS).unwrap();
    folder
}

impl Node {
    fn start(files: u32) -> Self {
        let node = Self::spawn(files);
        if let Err(error) = Client::connect_within(&node.socket(), Duration::from_mins(1)) {
            panic!("{error}: {}", node.log());
        }
        node
    }

    fn spawn(files: u32) -> Self {
        let folder = folder();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let child = gannet(folder.path(), files, "run").stdout(Stdio::null()).stderr(log).spawn().unwrap();
        Self { child, folder }
    }

    /// Its exit code, once it has ended by itself.
    fn ends(&mut self) -> Option<i32> {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < deadline, "it runs: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("gannet.sock")
    }

    fn says(&self, words: &str) -> Output {
        gannet(self.folder.path(), 256, words).output().unwrap()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn deposit(number: u32) -> Request {
    Request::Deposit(CashRequest {
        account: Name::new("GROWTH-1").unwrap(),
        amount: 1.into(),
        currency: "USD".parse().unwrap(),
        reference: Reference::new(&format!("deposit {number}")).unwrap(),
    })
}

/// What is refused is asked again, from a connection of its own.
fn patiently(node: &Node, request: &Request) -> Answer {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        match Client::connect(&node.socket()).unwrap().call(request) {
            Ok(Answer::Refused(refusal)) if refusal.kind == RefusalKind::TooManyConnections => {}
            Ok(answer) => return answer,
            Err(ClientError::TurnedAway(_) | ClientError::Closed) => {}
            Err(other) => panic!("{other}"),
        }
        assert!(Instant::now() < deadline, "{}", node.log());
    }
}

#[test]
fn clients_leave_a_node_the_files_that_it_needs() {
    const DEPOSITS: u32 = 6_000;
    let node = Node::start(72);
    let mut strategy = Client::connect(&node.socket()).unwrap();
    strategy.call(&Request::Ping {}).unwrap();
    let silent = || (0..100).map(|_| UnixStream::connect(node.socket()).unwrap()).collect::<Vec<_>>();
    let speaking = || {
        let one = |_| {
            let mut client = Client::connect(&node.socket()).unwrap();
            let _ = client.call(&Request::Ping {});
            client
        };
        (0..100).map(one).collect::<Vec<_>>()
    };
    let _held = (silent(), speaking(), silent());
    // Several segments, and a dozen snapshots.
    let requests: Vec<Request> = (0..DEPOSITS).map(deposit).collect();
    let mut done = 0;
    strategy.pipeline(&requests, |_, answer| done += u32::from(matches!(answer, Answer::Done(_)))).unwrap();
    assert_eq!(done, DEPOSITS, "{}", node.log());
    let Answer::Cash(CashPage { rows, .. }) = strategy.call(&Request::Cash(Filter::default())).unwrap()
    else {
        panic!()
    };
    assert_eq!(rows[0].settled, DEPOSITS.into(), "the replica followed");
    assert!(matches!(patiently(&node, &Request::Status {}), Answer::Status(_)));
    let halted = node.says("halt --firm");
    assert!(halted.status.success(), "{}", String::from_utf8_lossy(&halted.stderr));
    let refused = node.says("cash");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("places for local clients are taken"), "{said}");
    assert!(!node.log().contains("Too many open files"), "{}", node.log());
}

#[test]
fn a_node_that_could_not_hold_what_it_needs_does_not_start() {
    let mut refused = Node::spawn(40);
    assert_eq!(refused.ends(), Some(1), "{}", refused.log());
    let said = refused.log();
    assert!(said.contains("the process may have 40 files open") && said.contains("are needed"), "{said}");
    assert!(!refused.folder.path().join("journal").exists(), "nothing was begun");
}
