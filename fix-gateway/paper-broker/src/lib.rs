//! A paper broker: a FIX 4.4 acceptor that fills orders against a market and keeps its own log.
//!
//! It is the independent counterparty of the core's tests, so it shares no code with the core: no bug can hide on
//! both sides. [`PaperBroker::start`] runs it in the process; `gannet paper-broker` in one of its own.
//!
//! ```text
//!   market ──quotes──▶ desk (one thread: book, log, outbox) ──reports──▶ QuickFIX ──▶ initiators
//!      └────quotes──▶ feed ──lines──▶ clients        ▲                      │
//!                                                    └── requests, logged ──┘
//! ```
//!
//! # What it does with orders
//!
//! * Market and limit; Day, GTC, IOC, FOK. An order executes at the price of the quote it crosses, as far as the
//!   displayed size reaches; each quote shows its size once. What is left of a Day or GTC order waits for the next
//!   quotes, market orders first, then the better price, then arrival.
//! * IOC and FOK remainders are *cancelled* (`ExecType=4`), not expired.
//! * A replace needs a new total above `CumQty`, and `OrigClOrdID` must be the order's current identifier.
//! * A `ClOrdID` is taken once, over all sessions and restarts. An order with a used one is rejected with
//!   `OrdRejReason=6` and logged as `duplicate_order`: that there is no such line proves that nothing was sent twice.
//!   (The same message again, `PossDup=Y` with the same `MsgSeqNum`, is not a second order and gets no answer.)
//! * A status request may name any identifier the order ever had, those of requests about it included. The answer
//!   (`ExecType=I`) carries the current ones: in tag 11 that of the last replace or cancel carried out, in tag 41 the
//!   one before. An unknown order is `OrdStatus=8`, `OrdRejReason=5`, `OrderID=NONE`.
//! * What cannot be understood gets a Business Message Reject (35=j) with `BusinessRejectRefID` = `ClOrdID`.
//! * Numbers are exact: at most 70 thousand million, at most 18 places. Only `AvgPx` is rounded (12 places).
//!
//! # Configuration
//!
//! TOML; the values are the defaults, `dir` has none.
//!
//! ```toml
//! dir = "broker"                  # broker.log and fix/ live here; one broker at a time
//! port = 0                        # FIX; 0 picks a free one
//! feed_port = 0                   # quotes; 0 picks a free one
//!
//! [[sessions]]                    # as many as there are initiators
//! sender = "BROKER"               # our CompID
//! target = "GANNET-0"             # the initiator's
//!
//! [market]
//! # quotes = "day.csv.gz"         # replay a file instead of the built-in market
//! speed = 1                       # times real time, or "max": as fast as consumers take it
//! # wait_for_feed_clients = 1     # quotes flow only while so many are connected; default 1 at "max", else 0
//!
//! [market.seeded]
//! quotes_per_second = 200         # all symbols together, in turn
//! one_sided_probability = 0.002
//! wide_probability = 0.005
//!
//! [[market.seeded.symbols]]       # by default AIG, BAC, IBM and SPY
//! symbol = "BTCUSDT"
//! start_price = "100"             # texts, so that they stay exact
//! tick = "0.01"
//! lot = "1"
//! max_lots = 20                   # a side shows 1 to so many lots
//! spread_ticks = 3                # 1 to so many
//! step_ticks = 2                  # a step moves the bid by up to so many
//!
//! [personality]                   # each chance is decided by the seed and the ClOrdID, not by arrival
//! seed = 1
//! mode = "normal"                 # or "reject_everything", "garbage"
//! reject_probability = 0.0
//! cancel_reject_probability = 0.0
//! ack_latency_min_us = 0
//! ack_latency_max_us = 0
//! slow_ack_probability = 0.0
//! slow_ack_us = 50000
//! fill_latency_min_us = 0
//! fill_latency_max_us = 0
//! split_probability = 0.0         # an execution is reported as two
//! repeat_probability = 0.0        # a report goes out again: same ExecID, PossResend=Y
//! unsolicited_cancel_probability = 0.0
//! unsolicited_cancel_after_us = 100000
//! # day_end_after_ms = 60000      # Day orders expire each time so much has passed; default never
//! ```
//!
//! # The feed
//!
//! TCP on loopback: the header [`HEADER`], the latest quote of every symbol, then every quote, as CSV lines; an absent
//! side is two blank fields. `#end` follows the last quote of a file. At speed `max` the market waits for its slowest
//! client; otherwise a client that is behind gets the latest quote of each symbol.
//!
//! # The log
//!
//! `broker.log`: one JSON object per line ([`LogLine`]), each written by one `write(2)` *before* what it says leaves the
//! process; [`read_log`] reads it. Every line has `at_utc_ns` and `kind`; prices and quantities are texts, exact.
//!
//! | kind | what | fields |
//! | --- | --- | --- |
//! | `opened` | the broker started | `run`, from 1 |
//! | `received_new` | 35=D arrived | [`NewOrder`] |
//! | `received_cancel`, `received_replace` | 35=F, 35=G arrived | [`ChangeRequest`]; `terms` is null for a cancel |
//! | `received_status` | 35=H arrived | [`StatusRequest`] |
//! | `misunderstood` | 35=j was the answer | [`Misunderstood`] |
//! | `accepted` `rejected` `fill` `canceled` `replaced` `expired` `status` | an execution report | [`Report`] |
//! | `duplicate_order` | a used `ClOrdID`, rejected | [`Report`] |
//! | `cancel_rejected`, `duplicate_request` | 35=9 | [`CancelReject`] |
//! | `repeated` | the report of an earlier line goes out again | [`Report`]; not a second execution |
//! | `sent_late` | after a restart: an earlier line's message, which had not left | `key` |
//! | `garbage` | a malformed message goes out on purpose | `session`, `variant` |
//!
//! Positions and cash follow from the `fill` lines alone, each once: `account symbol side last_qty last_px trade_date`,
//! identified by `exec_id`. [`Side`] is `buy`/`sell`, [`OrdType`] `market`/`limit`, [`Tif`] `day`/`gtc`/`ioc`/`fok`.
//!
//! A restart cuts a torn last line, rebuilds the book from the log, answers what was received but not answered, and
//! sends what was logged but is not in QuickFIX's file store, with `PossResend=Y`. The store keeps the FIX numbers:
//! reports made while an initiator is logged off are numbered and stored, and reach it by resend after its logon.

mod book;
mod broker;
mod clock;
mod config;
mod desk;
mod dice;
mod error;
mod exact;
mod feed;
mod garbage;
mod log;
mod mailbox;
mod market;
mod sent;
mod session;
mod store_day;
mod to_desk;
mod wire;
mod words;

pub use book::Counts;
pub use broker::{PaperBroker, Running, Status, Stopper};
pub use config::{Config, MarketConfig, Mode, Personality, SeededConfig, SessionConfig, Speed, SymbolConfig};
pub use dice::{Dice, Rng};
pub use error::Error;
pub use log::{Entry, LogLine, Misunderstood, read_log};
pub use market::{HEADER, Quote, QuoteFile, SeededMarket};
pub use words::{
    CancelReject, ChangeRequest, ExecType, NewOrder, OrdStatus, OrdType, Received, Report, Side,
    StatusRequest, Terms, Tif,
};
