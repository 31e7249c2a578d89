//! The two processes and their directories.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crash_point::Arm;
use node::config::{Config, Durability, EXAMPLE_BROKER, EXAMPLE_INSTRUMENTS, EXAMPLE_NODE};
use node::journals::shard_dir;
use rustix::process::{Pid, Signal, kill_process};

use super::TrialError;

/// What the two are like.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// Keep the directories here: a new folder, or an empty one.
    pub(crate) keep: Option<PathBuf>,
    /// Replay quotes from this file instead of the built-in market.
    pub(crate) quotes: Option<PathBuf>,
    /// How fast a file is replayed: a factor, or `max`.
    pub(crate) speed: String,
    /// The seed of market and broker.
    pub(crate) seed: u64,
    /// How many shards the node has.
    pub(crate) shards: u16,
    /// What the node's journals survive.
    pub(crate) durability: Durability,
    /// Small segments and frequent snapshots, so that both happen often.
    pub(crate) restless: bool,
    /// A broker that often acknowledges only after a node is up again and asks.
    pub(crate) slow_broker: bool,
    /// Let the node measure its stages.
    pub(crate) trace: bool,
}

/// A broker and a node, running or stopped.
pub(crate) struct World {
    /// Removes the directories at the end, where they are not kept.
    temporary: Option<tempfile::TempDir>,
    pub(crate) root: PathBuf,
    pub(crate) config: Config,
    pub(crate) feed: SocketAddr,
    setting: Setting,
    broker: Process,
    node: Process,
    pub(crate) kills: u32,
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Node,
    Broker,
}

/// A child process that is killed when it is forgotten.
struct Process {
    name: &'static str,
    child: Child,
    ended: Option<ExitStatus>,
}

/// Longer than a disk that others keep busy stands still.
const PATIENCE: Duration = Duration::from_mins(1);

impl World {
    pub(crate) fn start(setting: Setting) -> Result<Self, TrialError> {
        let (temporary, root) = folder(&setting)?;
        let (fix, feed) = (free_port()?, free_port()?);
        write_files(&setting, &root, fix, feed)?;
        let config = Config::load(&root.join("node.toml"))?;
        let broker = Process::start(&root, "broker", BROKER_ARGUMENTS, None)?;
        let feed = SocketAddr::from((Ipv4Addr::LOCALHOST, feed));
        wait_for(&root, "the broker's start", || TcpStream::connect(feed).is_ok())?;
        let node = Process::start(&root, "node", node_arguments(&setting), None)?;
        Ok(Self { temporary, root, config, feed, setting, broker, node, kills: 0 })
    }

    const fn process(&mut self, who: Who) -> &mut Process {
        match who {
            Who::Node => &mut self.node,
            Who::Broker => &mut self.broker,
        }
    }

    /// SIGKILL: no handler runs, nothing is flushed.
    pub(crate) fn kill(&mut self, who: Who) -> Result<(), TrialError> {
        self.process(who).kill()?;
        self.kills += 1;
        Ok(())
    }

    /// Starts the one that has ended again, to die at a crash point where one is armed. It is not waited for.
    pub(crate) fn start_again(&mut self, who: Who, arm: Option<Arm>) -> Result<(), TrialError> {
        let arguments = match who {
            Who::Node => node_arguments(&self.setting),
            Who::Broker => BROKER_ARGUMENTS,
        };
        let name = self.process(who).name;
        *self.process(who) = Process::start(&self.root, name, arguments, arm)?;
        Ok(())
    }

    /// True where the process has ended, whoever ended it.
    pub(crate) fn has_ended(&mut self, who: Who) -> bool {
        self.process(who).has_ended()
    }

    /// An error where the process ended otherwise than by SIGKILL: nobody asked it to.
    pub(crate) fn ended_by_kill(&mut self, who: Who) -> Result<(), TrialError> {
        let logs = self.root.clone();
        let process = self.process(who);
        match process.status() {
            Some(status) if status.signal() == Some(Signal::KILL.as_raw()) => Ok(()),
            status => {
                let how = status.map_or_else(|| "it runs".to_owned(), |status| status.to_string());
                Err(TrialError::Ended { who: process.name, how, logs })
            }
        }
    }

    /// True where the broker takes connections.
    pub(crate) fn broker_listens(&self) -> bool {
        TcpStream::connect(self.feed).is_ok()
    }

    /// The process's number, while it has not been found to have ended.
    pub(crate) fn pid(&mut self, who: Who) -> Option<Pid> {
        let process = self.process(who);
        if process.has_ended() { None } else { Some(Pid::from_child(&process.child)) }
    }

    /// From its next start on, the node's journals survive this.
    pub(crate) fn set_durability(&mut self, durability: Durability) -> Result<(), TrialError> {
        if self.setting.durability == durability {
            return Ok(());
        }
        let path = self.root.join("node.toml");
        let failed = |source| TrialError::Io { what: format!("cannot change {}", path.display()), source };
        let text = std::fs::read_to_string(&path).map_err(failed)?;
        let text = text.replace(written(self.setting.durability), written(durability));
        std::fs::write(&path, text).map_err(failed)?;
        self.setting.durability = durability;
        Ok(())
    }

    /// Stops both as an operator would: SIGTERM, node first.
    pub(crate) fn stop(&mut self) -> Result<(), TrialError> {
        let root = self.root.clone();
        for (what, process) in [("the node's stop", &mut self.node), ("the broker's stop", &mut self.broker)]
        {
            process.terminate()?;
            wait_for(&root, what, || process.has_ended())?;
        }
        Ok(())
    }

    /// Leaves the directories where they are.
    pub(crate) fn keep(&mut self) -> &Path {
        if let Some(temporary) = self.temporary.take() {
            // Its path is known, and now nobody removes it.
            drop(temporary.keep());
        }
        &self.root
    }

    /// Waits, looking again and again, and names the logs where it was in vain.
    pub(crate) fn wait_for(&self, what: &str, happened: impl FnMut() -> bool) -> Result<(), TrialError> {
        wait_for(&self.root, what, happened)
    }
}

/// Where the broker of a world writes its log.
pub(crate) fn broker_log(root: &Path) -> PathBuf {
    root.join("broker").join("broker.log")
}

/// The journals of a node, by shard.
pub(crate) fn journals(config: &Config) -> Vec<PathBuf> {
    (0..config.node.shards).map(|shard| shard_dir(&config.node.journal, model::ShardId::new(shard))).collect()
}

const BROKER_ARGUMENTS: &[&str] = &["paper-broker", "--config", "broker.toml"];

const fn node_arguments(setting: &Setting) -> &'static [&'static str] {
    if setting.trace {
        &["run", "--config", "node.toml", "--trace"]
    } else {
        &["run", "--config", "node.toml"]
    }
}

const fn written(durability: Durability) -> &'static str {
    match durability {
        Durability::Process => "durability = \"process\"",
        Durability::Disk => "durability = \"disk\"",
    }
}

impl Process {
    /// Starts this very program, in the trial's folder, its words going to `NAME.out`.
    fn start(
        root: &Path,
        name: &'static str,
        arguments: &[&str],
        arm: Option<Arm>,
    ) -> Result<Self, TrialError> {
        let program = std::env::current_exe().map_err(TrialError::io("cannot find this program"))?;
        let path = root.join(format!("{name}.out"));
        let open = || File::options().create(true).append(true).open(&path);
        let what = format!("cannot write {}", path.display());
        let out = open().map_err(TrialError::io(what.clone()))?;
        let err = out.try_clone().map_err(TrialError::io(what))?;
        let mut command = Command::new(program);
        command.args(arguments).current_dir(root).stdin(Stdio::null()).stdout(out).stderr(err);
        match arm {
            Some(arm) => command.env(crash_point::VARIABLE, arm.to_string()),
            None => command.env_remove(crash_point::VARIABLE),
        };
        let child = command.spawn().map_err(TrialError::io(format!("cannot start the {name}")))?;
        Ok(Self { name, child, ended: None })
    }

    fn kill(&mut self) -> Result<(), TrialError> {
        let killed = self.child.kill().and_then(|()| self.child.wait());
        self.ended = Some(killed.map_err(TrialError::io(format!("cannot kill the {}", self.name)))?);
        Ok(())
    }

    fn status(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            // A process of ours can be waited for.
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended
    }

    fn has_ended(&mut self) -> bool {
        self.status().is_some()
    }

    fn terminate(&self) -> Result<(), TrialError> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).map_err(|errno| TrialError::Io {
            what: "cannot stop a process".to_owned(),
            source: errno.into(),
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Already ended is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn folder(setting: &Setting) -> Result<(Option<tempfile::TempDir>, PathBuf), TrialError> {
    let Some(keep) = &setting.keep else {
        let temporary = tempfile::Builder::new()
            .prefix("gannet-trial-")
            .tempdir()
            .map_err(TrialError::io("cannot create a temporary folder"))?;
        let root = temporary.path().to_owned();
        return Ok((Some(temporary), root));
    };
    std::fs::create_dir_all(keep).map_err(TrialError::io(format!("cannot create {}", keep.display())))?;
    let mut entries =
        std::fs::read_dir(keep).map_err(TrialError::io(format!("cannot read {}", keep.display())))?;
    if entries.next().is_some() {
        let source = std::io::Error::other("the folder is not empty; name a new one");
        return Err(TrialError::Io { what: keep.display().to_string(), source });
    }
    let root = keep.canonicalize().map_err(TrialError::io(format!("cannot find {}", keep.display())))?;
    Ok((None, root))
}

fn free_port() -> Result<u16, TrialError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(TrialError::io("cannot find a free port"))
}

fn write_files(setting: &Setting, root: &Path, fix: u16, feed: u16) -> Result<(), TrialError> {
    let node = node_file(setting, fix, feed);
    for (name, text) in [
        ("node.toml", node),
        ("instruments.toml", EXAMPLE_INSTRUMENTS.to_owned()),
        ("broker.toml", broker_file(setting, fix, feed)?),
    ] {
        let path = root.join(name);
        std::fs::write(&path, text).map_err(TrialError::io(format!("cannot write {}", path.display())))?;
    }
    Ok(())
}

/// The example configuration with the ports of this run; on several shards every portfolio but the first, with a
/// session of its own, moves to the second.
fn node_file(setting: &Setting, fix: u16, feed: u16) -> String {
    let text = EXAMPLE_NODE
        .replace("127.0.0.1:9010", &format!("127.0.0.1:{feed}"))
        .replace("port = 9011", &format!("port = {fix}"));
    let text = text.replace(written(Durability::Process), written(setting.durability));
    let text = if setting.restless {
        text.replace("snapshot_records = 1_000_000", "snapshot_records = 300")
            .replace("segment_kib = 65_536", "segment_kib = 128")
            .replace("log = \"info\"", "log = \"info,fix_gateway::quickfix=debug\"")
    } else {
        text
    };
    if setting.shards < 2 {
        return text;
    }
    let text = text.replace("shards = 1 ", &format!("shards = {} ", setting.shards));
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
fn broker_file(setting: &Setting, fix: u16, feed: u16) -> Result<String, TrialError> {
    let text = EXAMPLE_BROKER
        .replace("port = 9011", &format!("port = {fix}"))
        .replace("feed_port = 9010", &format!("feed_port = {feed}"))
        .replace("seed = 7", &format!("seed = {}", setting.seed));
    let text = if setting.slow_broker {
        text.replace("slow_ack_probability = 0.01", "slow_ack_probability = 0.05")
            .replace("slow_ack_us = 30000", "slow_ack_us = 700000")
    } else {
        text
    };
    let Some(file) = &setting.quotes else { return Ok(text) };
    let path = file.canonicalize().map_err(TrialError::io(format!("cannot find {}", file.display())))?;
    let speed = if setting.speed == "max" { "\"max\"".to_owned() } else { setting.speed.clone() };
    let market = format!(
        "[market]\nquotes = {:?}\nspeed = {speed}\nwait_for_feed_clients = 2\n\n[personality]",
        path.display().to_string()
    );
    let (before, rest) = text.split_once("[market.seeded]").unwrap_or((&text, ""));
    let (_, personality) = rest.split_once("[personality]").unwrap_or(("", ""));
    Ok(format!("{before}{market}{personality}"))
}

fn wait_for(root: &Path, what: &str, mut happened: impl FnMut() -> bool) -> Result<(), TrialError> {
    let deadline = Instant::now() + PATIENCE;
    while !happened() {
        if Instant::now() >= deadline {
            let (what, logs) = (what.to_owned(), root.to_owned());
            return Err(TrialError::Late { what, seconds: PATIENCE.as_secs(), logs });
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
