//! The configuration: one commented TOML file, and the instruments in a second one.
//!
//! Reading it is pure but for the two files. Everything that is wrong is reported at once, with file, line,
//! column and key. What it says enters the core only as journalled commands: see [`crate::plan`].

mod approvals;
mod check;
mod instruments;
mod read;
mod section;
mod source;
mod text;

mod value;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use model::{
    Amount, AssetClass, Currency, Decimal, FeeSchedule, LimitKind, Name, Price, Quantity, ShardId,
    StrategyId, Symbol,
};

pub use approvals::ApprovalsEntry;
pub use source::{At, ConfigError, Located, Problem};
pub use text::{ConfigText, differences};

/// The configuration that `gannet init` writes and the demo runs on.
pub const EXAMPLE_NODE: &str = include_str!("../../demo/node.toml");
/// The instruments that `gannet init` writes and the demo trades.
pub const EXAMPLE_INSTRUMENTS: &str = include_str!("../../demo/instruments.toml");

/// The paper broker that `gannet init` writes and the demo trades with.
pub const EXAMPLE_BROKER: &str = include_str!("../../demo/broker.toml");

/// A whole configuration, checked: every name in it leads somewhere.
#[derive(Clone, Debug)]
pub struct Config {
    /// The node itself.
    pub node: Node,
    /// For how many days identifiers of orders are refused; absent, as it was said last.
    pub orders_days: Option<u16>,
    /// For how many days references of cash movements are remembered; absent, as it was said last.
    pub cash_days: Option<u16>,
    /// Where quotes come from, if from anywhere.
    pub market_data: Option<MarketFeed>,
    /// The currencies that instruments, cash and limits may use.
    pub currencies: Vec<Currency>,
    /// What can be traded.
    pub instruments: Vec<InstrumentEntry>,
    /// Names of the brokers.
    pub brokers: Vec<Located<Name>>,
    /// FIX sessions to the brokers.
    pub sessions: Vec<SessionEntry>,
    /// Portfolios.
    pub portfolios: Vec<PortfolioEntry>,
    /// Accounts.
    pub accounts: Vec<AccountEntry>,
    /// What needs a second person.
    pub approvals: ApprovalsEntry,
    /// What the files say, secrets left out: what is kept of it.
    pub text: ConfigText,
}

/// How the node runs. Paths are resolved against the folder of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The folder of the journals.
    pub journal: PathBuf,
    /// The Unix socket for local commands.
    pub socket: PathBuf,
    /// Who may connect to it.
    pub socket_access: SocketAccess,
    /// The most local clients at once.
    pub connections: u16,
    /// Seconds in which a local client must have said its first request.
    pub first_request_s: u16,
    /// The number of shards, from 1.
    pub shards: u16,
    /// The processor core of each shard's thread, by shard; none where the system places them.
    pub cores: Vec<u16>,
    /// When an answer may leave.
    pub durability: Durability,
    /// What a shard does while there is nothing to do.
    pub idle: Idle,
    /// A wall clock that is off by more seconds than this has jumped.
    pub clock_jump_bound_s: u32,
    /// The longest time in hours that the node is believed to have been down, where the machine was started anew since.
    pub clock_down_bound_h: u32,
    /// Records between two snapshots of a shard; 0 for none.
    pub snapshot_records: u32,
    /// Inputs of each shard whose stage stamps are kept for `gannet latency explain`; 0 for none.
    pub trace: u32,
    /// The size of a new segment of a journal, in KiB; the disk holds two more than are full.
    pub segment_kib: u32,
    /// The log filter, as `RUST_LOG` has it; that variable goes before.
    pub log: String,
}

/// Who may connect to the socket. Whoever can may say everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SocketAccess {
    /// The user that runs the node, and the administrator.
    #[default]
    User,
    /// The group of the socket's file, too.
    Group,
    /// Every user of the machine.
    All,
}

impl SocketAccess {
    /// The mode of the socket's file.
    pub const fn mode(self) -> u32 {
        match self {
            Self::User => 0o600,
            Self::Group => 0o660,
            Self::All => 0o666,
        }
    }
}

/// When outputs are released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Once the record is in the page cache: survives a crash of the process.
    Process,
    /// Once the record is on disk: survives a crash of the machine.
    Disk,
}

/// What a shard does while its rings are empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle {
    /// Ask again at once: lowest latency, a core for itself.
    Spin,
    /// Ask again after the scheduler had a turn.
    Yield,
    /// Sleep until woken: no load, tens of microseconds of latency.
    Park,
}

/// A TCP server that sends lines `ts_utc_ns,symbol,bid,bid_qty,ask,ask_qty`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarketFeed {
    /// Where it listens.
    pub address: SocketAddr,
}

/// An instrument, before it has an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstrumentEntry {
    /// Where it stands.
    pub at: At,
    /// Unique.
    pub symbol: Symbol,
    /// The kind.
    pub asset_class: AssetClass,
    /// Of prices and settlement.
    pub currency: Currency,
    /// Prices are whole multiples of it.
    pub tick: Price,
    /// Quantities are whole multiples of it.
    pub lot: Quantity,
    /// Currency units that one unit at a price of 1 costs.
    pub multiplier: Quantity,
    /// Business days from trade to settlement.
    pub settlement_days: u8,
}

/// A FIX session to a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionEntry {
    /// Where it stands.
    pub at: At,
    /// Unique.
    pub name: Name,
    /// The shard it is homed on.
    pub shard: ShardId,
    /// The broker behind it.
    pub broker: Located<Name>,
    /// Host name or address to connect to.
    pub host: String,
    /// TCP port to connect to.
    pub port: u16,
    /// FIX tag 49.
    pub sender_comp_id: String,
    /// FIX tag 56.
    pub target_comp_id: String,
    /// FIX tag 108.
    pub heartbeat_s: u16,
    /// Seconds that the broker may take to answer an order or a request before it is asked about it.
    pub answer_timeout_s: u16,
    /// The folder of the session engine's own store.
    pub store: PathBuf,
}

/// A portfolio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortfolioEntry {
    /// Where it stands.
    pub at: At,
    /// Unique.
    pub name: Name,
    /// The shard it lives on with its accounts, for good.
    pub shard: ShardId,
    /// Names and numbers of its strategies. The numbers stand in the journal, so the file gives them.
    pub strategies: Vec<(Name, StrategyId)>,
    /// `max_gross_exposure`, for each currency.
    pub gross_exposure: Vec<(Currency, Amount)>,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountEntry {
    /// Where it stands.
    pub at: At,
    /// Unique.
    pub name: Name,
    /// The portfolio it belongs to, for good.
    pub portfolio: Located<Name>,
    /// The session its orders go out on.
    pub session: Located<Name>,
    /// What its executions cost.
    pub fees: FeeSchedule,
    /// The limits that are set, in the order of [`LimitKind::ALL`].
    pub limits: Vec<(LimitKind, Decimal)>,
}

impl Config {
    /// Reads and checks a configuration file and the instruments it names.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let source = source::Source::read(path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        read::config(&source, folder, |instruments| source::Source::read(&folder.join(instruments)))
    }

    /// Reads and checks a configuration that is not in files; `folder` is what its paths are relative to.
    pub fn from_texts(node: &str, instruments: &str, folder: &Path) -> Result<Self, ConfigError> {
        let source = source::Source::new(Path::new("node.toml"), node);
        read::config(&source, folder, |path| Ok(source::Source::new(path, instruments)))
    }

    /// The portfolio of this name.
    pub fn portfolio(&self, name: Name) -> Option<&PortfolioEntry> {
        self.portfolios.iter().find(|portfolio| portfolio.name == name)
    }

    /// The session of this name.
    pub fn session(&self, name: Name) -> Option<&SessionEntry> {
        self.sessions.iter().find(|session| session.name == name)
    }
}
