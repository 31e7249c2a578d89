//! The two processes and their directories.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{DemoError, DemoOptions};
use crate::config::{Config, Durability, EXAMPLE_BROKER, EXAMPLE_INSTRUMENTS, EXAMPLE_NODE};
use crate::node::shard_dir;

/// A broker and a node, running or stopped.
pub(super) struct World {
    /// Removes the directories at the end, where they are not kept.
    _temporary: Option<tempfile::TempDir>,
    pub(super) root: PathBuf,
    pub(super) config: Config,
    pub(super) feed: SocketAddr,
    broker: Process,
    node: Process,
    pub(super) kills: u32,
}

/// A child process that is killed when it is forgotten.
struct Process {
    child: Child,
}

const PATIENCE: Duration = Duration::from_secs(20);

impl World {
    pub(super) fn start(options: &DemoOptions) -> Result<Self, DemoError> {
        let (temporary, root) = folder(options)?;
        let (fix, feed) = (free_port()?, free_port()?);
        write_files(options, &root, fix, feed)?;
        let config = Config::load(&root.join("node.toml"))?;
        let broker = Process::start(&root, "broker", &["paper-broker", "--config", "broker.toml"])?;
        let feed = SocketAddr::from((Ipv4Addr::LOCALHOST, feed));
        wait_for(&root, "the broker's start", || TcpStream::connect(feed).is_ok())?;
        let node = Process::start(&root, "node", NODE_ARGUMENTS)?;
        Ok(Self { _temporary: temporary, root, config, feed, broker, node, kills: 0 })
    }

    /// SIGKILL: no handler runs, nothing is flushed.
    pub(super) fn kill_node(&mut self) -> Result<(), DemoError> {
        self.node.kill()?;
        self.kills += 1;
        Ok(())
    }

    pub(super) fn restart_node(&mut self) -> Result<(), DemoError> {
        self.node = Process::start(&self.root, "node", NODE_ARGUMENTS)?;
        Ok(())
    }

    /// True where the node's process has ended, whoever ended it.
    pub(super) fn node_has_ended(&mut self) -> bool {
        !matches!(self.node.child.try_wait(), Ok(None))
    }

    /// Stops both as an operator would: SIGTERM, node first.
    pub(super) fn stop(&mut self) -> Result<(), DemoError> {
        let root = self.root.clone();
        for (what, process) in [("the node's stop", &mut self.node), ("the broker's stop", &mut self.broker)]
        {
            process.terminate()?;
            wait_for(&root, what, || !matches!(process.child.try_wait(), Ok(None)))?;
        }
        Ok(())
    }

    pub(super) fn broker_log(&self) -> PathBuf {
        self.root.join("broker").join("broker.log")
    }

    pub(super) fn journals(&self) -> Vec<PathBuf> {
        (0..self.config.node.shards)
            .map(|shard| shard_dir(&self.config.node.journal, model::ShardId::new(shard)))
            .collect()
    }

    /// Waits, looking again and again, and names the logs where it was in vain.
    pub(super) fn wait_for(&self, what: &str, happened: impl FnMut() -> bool) -> Result<(), DemoError> {
        wait_for(&self.root, what, happened)
    }
}

const NODE_ARGUMENTS: &[&str] = &["run", "--config", "node.toml", "--trace"];

impl Process {
    /// Starts this very program, in the demo's folder, its words going to `NAME.out`.
    fn start(root: &Path, name: &str, arguments: &[&str]) -> Result<Self, DemoError> {
        let program = std::env::current_exe().map_err(DemoError::io("cannot find this program"))?;
        let path = root.join(format!("{name}.out"));
        let open = || File::options().create(true).append(true).open(&path);
        let what = format!("cannot write {}", path.display());
        let out = open().map_err(DemoError::io(what.clone()))?;
        let err = out.try_clone().map_err(DemoError::io(what))?;
        let child = Command::new(program)
            .args(arguments)
            .current_dir(root)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .map_err(DemoError::io(format!("cannot start the {name}")))?;
        Ok(Self { child })
    }

    fn kill(&mut self) -> Result<(), DemoError> {
        self.child
            .kill()
            .and_then(|()| self.child.wait())
            .map_err(DemoError::io("cannot kill the node"))
            .map(drop)
    }

    fn terminate(&self) -> Result<(), DemoError> {
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        let Some(pid) = pid else { return Ok(()) };
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)
            .map_err(|errno| DemoError::Io { what: "cannot stop a process".to_owned(), source: errno.into() })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Already ended is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn folder(options: &DemoOptions) -> Result<(Option<tempfile::TempDir>, PathBuf), DemoError> {
    let Some(keep) = &options.keep else {
        let temporary = tempfile::Builder::new()
            .prefix("gannet-demo-")
            .tempdir()
            .map_err(DemoError::io("cannot create a temporary folder"))?;
        let root = temporary.path().to_owned();
        return Ok((Some(temporary), root));
    };
    std::fs::create_dir_all(keep).map_err(DemoError::io(format!("cannot create {}", keep.display())))?;
    let mut entries =
        std::fs::read_dir(keep).map_err(DemoError::io(format!("cannot read {}", keep.display())))?;
    if entries.next().is_some() {
        let source = std::io::Error::other("the folder is not empty; name a new one");
        return Err(DemoError::Io { what: keep.display().to_string(), source });
    }
    let root = keep.canonicalize().map_err(DemoError::io(format!("cannot find {}", keep.display())))?;
    Ok((None, root))
}

fn free_port() -> Result<u16, DemoError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(DemoError::io("cannot find a free port"))
}

fn write_files(options: &DemoOptions, root: &Path, fix: u16, feed: u16) -> Result<(), DemoError> {
    let node = node_file(options, fix, feed);
    for (name, text) in [
        ("node.toml", node),
        ("instruments.toml", EXAMPLE_INSTRUMENTS.to_owned()),
        ("broker.toml", broker_file(options, fix, feed)?),
    ] {
        let path = root.join(name);
        std::fs::write(&path, text).map_err(DemoError::io(format!("cannot write {}", path.display())))?;
    }
    Ok(())
}

/// The example configuration with the ports of this run; on several shards every portfolio but the first, with a
/// session of its own, moves to the second.
fn node_file(options: &DemoOptions, fix: u16, feed: u16) -> String {
    let text = EXAMPLE_NODE
        .replace("127.0.0.1:9010", &format!("127.0.0.1:{feed}"))
        .replace("port = 9011", &format!("port = {fix}"));
    let text = match options.durability {
        Durability::Process => text,
        Durability::Disk => text.replace("durability = \"process\"", "durability = \"disk\""),
    };
    if options.shards < 2 {
        return text;
    }
    let text = text.replace("shards = 1 ", &format!("shards = {} ", options.shards));
    let (before, income) =
        text.split_once("[[portfolio]]\nname = \"INCOME\"\nshard = 0").unwrap_or((&text, ""));
    let second = format!(
        "[[session]]\nname = \"PAPER-2\"\nshard = 1\nbroker = \"PAPER\"\nhost = \"127.0.0.1\"\nport = {fix}\n\
         sender_comp_id = \"GANNET-2\"\ntarget_comp_id = \"PAPER\"\nheartbeat_s = 30\nstore = \"fix/PAPER-2\"\n\n"
    );
    let income = income.replace(
        "portfolio = \"INCOME\"\nsession = \"PAPER-1\"",
        "portfolio = \"INCOME\"\nsession = \"PAPER-2\"",
    );
    format!("{before}{second}[[portfolio]]\nname = \"INCOME\"\nshard = 1{income}")
}

/// The example broker with the ports and the seed of this run, and with quotes from a file where one is named.
fn broker_file(options: &DemoOptions, fix: u16, feed: u16) -> Result<String, DemoError> {
    let text = EXAMPLE_BROKER
        .replace("port = 9011", &format!("port = {fix}"))
        .replace("feed_port = 9010", &format!("feed_port = {feed}"))
        .replace("seed = 7", &format!("seed = {}", options.seed));
    let Some(file) = &options.quotes else { return Ok(text) };
    let path = file.canonicalize().map_err(DemoError::io(format!("cannot find {}", file.display())))?;
    let speed = if options.speed == "max" { "\"max\"".to_owned() } else { options.speed.clone() };
    let market = format!(
        "[market]\nquotes = {:?}\nspeed = {speed}\nwait_for_feed_clients = 2\n\n[personality]",
        path.display().to_string()
    );
    let (before, rest) = text.split_once("[market.seeded]").unwrap_or((&text, ""));
    let (_, personality) = rest.split_once("[personality]").unwrap_or(("", ""));
    Ok(format!("{before}{market}{personality}"))
}

fn wait_for(root: &Path, what: &str, mut happened: impl FnMut() -> bool) -> Result<(), DemoError> {
    let deadline = Instant::now() + PATIENCE;
    while !happened() {
        if Instant::now() >= deadline {
            let (what, logs) = (what.to_owned(), root.to_owned());
            return Err(DemoError::Late { what, seconds: PATIENCE.as_secs(), logs });
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
