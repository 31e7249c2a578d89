//! A paper broker: a FIX acceptor that fills orders against a market and keeps its own log.
#![doc = "\n"]
mod book;
mod broker;
mod clock;
mod config;
mod desk;
mod dice;
mod error;
mod feed;
mod garbage;
mod log;
mod mailbox;
mod market;
mod sent;
mod session;
mod wire;
mod words;

pub use book::Counts;
pub use broker::{PaperBroker, Running, Status, Stopper};
pub use config::{Config, MarketConfig, Mode, Personality, SeededConfig, SessionConfig, Speed, SymbolConfig};
pub use dice::{Dice, Rng};
pub use error::Error;
pub use log::{Entry, Line, Misunderstood, read_log};
pub use market::{HEADER, Quote, QuoteFile, SeededMarket};
pub use words::{
    CancelReject, ChangeRequest, ExecType, NewOrder, OrdStatus, OrdType, Received, Report, Side,
    StatusRequest, Terms, Tif,
};
