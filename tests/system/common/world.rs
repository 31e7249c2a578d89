//! A folder with a node's and a broker's example files on free ports, and the processes that work in it.
#![allow(clippy::panic, reason = "a test may fail")]

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use wire::client::Client;

use super::{gannet, succeed};

/// What should happen soon happens within this, also on a busy machine.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// Prices move little and quotes come often, so that a price 3 % away rests and a quote is always fresh.
const BROKER: &str = "\
[[sessions]]
sender = \"PAPER\"
target = \"GANNET\"

[market.seeded]
quotes_per_second = 60
one_sided_probability = 0.0
wide_probability = 0.0
symbols = [
  { symbol = \"IBM\", start_price = \"181.50\", tick = \"0.01\", lot = \"100\" },
  { symbol = \"SPY\", start_price = \"167.35\", tick = \"0.01\", lot = \"100\" },
]

[personality]
seed = 5
";

/// The folder.
pub struct World {
    dir: tempfile::TempDir,
    feed: u16,
}

impl World {
    /// What `gannet init` writes, with free ports; and a broker beside it.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        succeed(gannet().arg("init").arg(dir.path()));
        let (fix, feed) = (free_port(), free_port());
        let world = Self { dir, feed };
        world.edit("9010", &feed.to_string());
        world.edit("9011", &fix.to_string());
        let broker = format!("dir = \"broker\"\nport = {fix}\nfeed_port = {feed}\n\n{BROKER}");
        std::fs::write(world.path("broker.toml"), broker).unwrap();
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Replaces text in the node's configuration; it must be there.
    pub fn edit(&self, from: &str, to: &str) {
        let path = self.path("node.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from}");
        std::fs::write(path, text.replace(from, to)).unwrap();
    }

    /// Adds a line to what the broker is like.
    pub fn personality(&self, line: &str) {
        let path = self.path("broker.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, format!("{text}{line}\n")).unwrap();
    }

    /// A program run in the folder.
    pub fn gannet(&self, words: &[&str]) -> Command {
        let mut command = gannet();
        command.args(words).current_dir(self.dir.path());
        command
    }

    /// The broker, once it can be reached.
    pub fn broker(&self) -> Process {
        let mut process =
            Process::start(self, "broker", self.gannet(&["paper-broker", "--config", "broker.toml"]));
        wait_for("the broker", || {
            assert!(!process.has_ended(), "{}", self.said("broker"));
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.feed)).is_ok()
        });
        process
    }

    /// The node, once it answers.
    pub fn node(&self) -> Process {
        self.node_with(&[])
    }

    pub fn node_with(&self, more: &[&str]) -> Process {
        self.node_of(self.gannet(&[&["run"], more].concat()))
    }

    /// A node in which inputs of these names break an invariant.
    pub fn planted_node(&self, names: &str) -> Process {
        let mut command = self.gannet(&["run"]);
        command.env(crash_point::BREAK_VARIABLE, names);
        self.node_of(command)
    }

    /// A node that dies at this crash point, if it comes to it.
    pub fn doomed_node(&self, point: &str) -> Process {
        let mut command = self.gannet(&["run"]);
        command.env(crash_point::VARIABLE, point);
        self.node_of(command)
    }

    fn node_of(&self, command: Command) -> Process {
        let mut process = Process::start(self, "node", command);
        wait_for("the node", || {
            assert!(!process.has_ended(), "{}", self.said("node"));
            Client::connect(&self.path("gannet.sock")).is_ok()
        });
        process
    }

    /// What a process wrote so far.
    pub fn said(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(&format!("{name}.out"))).unwrap_or_default()
    }

    pub fn client(&self) -> Client {
        Client::connect(&self.path("gannet.sock")).unwrap()
    }

    /// The answer of a command that succeeds.
    pub fn ask(&self, words: &[&str]) -> Value {
        super::json(&mut self.gannet(words))
    }

    /// The answer of a command that is refused: exit code 1, and JSON that says why.
    pub fn refused(&self, words: &[&str]) -> Value {
        let output = self.gannet(words).arg("--json").output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {stderr}");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{words:?}: {error}: {stderr}"))
    }

    /// Why it was denied: the reason's stable number.
    pub fn denied(&self, words: &[&str]) -> u64 {
        let answer = self.refused(words);
        answer["denied"]["number"].as_u64().unwrap_or_else(|| panic!("{words:?}: {answer}"))
    }

    pub fn wait_session(&self, state: &str) {
        wait_for(state, || self.ask(&["status"])["sessions"][0]["state"] == state);
    }

    /// Both up, the session ready, quotes there, and a million dollars in `GROWTH-1`.
    pub fn trading(&self) -> (Process, Process) {
        let (broker, node) = (self.broker(), self.node());
        self.ask(&["deposit", "-a", "GROWTH-1", "1000000", "USD", "-r", "opening"]);
        self.wait_session("ready");
        self.wait_quotes();
        (broker, node)
    }

    /// An account without money is denied for that reason, and no longer for want of a fresh quote.
    pub fn wait_quotes(&self) {
        for symbol in ["IBM", "SPY"] {
            wait_for("quotes", || self.denied(&["submit", "-a", "GROWTH-2", "buy", "1", symbol]) == 407);
        }
    }

    /// Quotes are there again: an order that is too large is denied for that, and no longer for want of one.
    pub fn wait_quotes_with(&self, account: &str) {
        wait_for("quotes", || {
            self.denied(&["submit", "-a", account, "buy", "1", "IBM", "-l", "1000"]) == 404
        });
    }

    /// The order with this identifier. Another connection than the one that submitted it reads a replica, which may
    /// be a moment behind.
    pub fn order(&self, cl_ord_id: &str) -> Value {
        let mut found = None;
        wait_for(&format!("order {cl_ord_id}"), || {
            let rows = self.ask(&["orders", "-n", "0"]);
            found = rows.as_array().unwrap().iter().find(|row| row["cl_ord_id"] == cl_ord_id).cloned();
            found.is_some()
        });
        found.unwrap()
    }

    pub fn wait_order(&self, cl_ord_id: &str, status: &str) {
        wait_for(&format!("{cl_ord_id} {status}"), || self.order(cl_ord_id)["status"] == status);
    }
}

/// A child process that is killed when it is forgotten.
pub struct Process {
    child: Child,
    /// What it writes.
    out: PathBuf,
}

impl Process {
    fn start(world: &World, name: &str, mut command: Command) -> Self {
        let path = world.path(&format!("{name}.out"));
        let out = std::fs::File::options().create(true).append(true).open(&path).unwrap();
        let err = out.try_clone().unwrap();
        let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn().unwrap();
        Self { child, out: path }
    }

    /// SIGKILL, and its end.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// It stands still, as if its machine did, until it is told to go on.
    pub fn hold(&self) {
        kill_process(Pid::from_child(&self.child), Signal::STOP).unwrap();
    }

    pub fn go_on(&self) {
        kill_process(Pid::from_child(&self.child), Signal::CONT).unwrap();
    }

    /// SIGTERM, and how it ended.
    pub fn terminate(&mut self) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let deadline = Instant::now() + PATIENCE;
        while !self.has_ended() {
            assert!(Instant::now() < deadline, "it does not end:\n{}", self.evidence());
            std::thread::sleep(Duration::from_millis(10));
        }
        self.child.wait().unwrap()
    }

    /// What it wrote, and what each of its threads waits for.
    fn evidence(&self) -> String {
        let mut text = std::fs::read_to_string(&self.out).unwrap_or_default();
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id()));
        for task in tasks.into_iter().flatten().flatten() {
            for file in ["comm", "wchan", "syscall", "stat"] {
                let read = std::fs::read_to_string(task.path().join(file)).unwrap_or_default();
                text.extend([file, " ", read.trim(), "  "]);
            }
            text.push('\n');
        }
        text
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks again and again until it happened.
pub fn wait_for(what: &str, mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !happened() {
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Every file below a folder and what is in it.
pub fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(contents(&path));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            files.push((path, bytes));
        }
    }
    files.sort();
    files
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}
