//! From the TOML document to [`Config`]: one function for each kind of section, top to bottom.
//!
//! A section that lacks something is left out, with its problem recorded; [`Problems::into_result`] at the end
//! sees to it that nobody gets a configuration with parts left out.

use std::path::{Path, PathBuf};

use model::{Amount, Currency, Decimal, FeeSchedule, LimitKind, Limits, Name, ShardId, StrategyId};
use readable::suggest::{did_you_mean, listed};
use toml::de::DeValue;

use super::section::{Allowed, Problems, Section, parse_document};
use super::source::{ConfigError, Located, Source};
use super::{
    AccountEntry, Config, ConfigText, Durability, Idle, MarketFeed, Node, PortfolioEntry, SessionEntry,
    SocketAccess, approvals, check, instruments, value,
};

/// A Unix socket's path must fit `sockaddr_un.sun_path` with its closing zero (unix(7)): 107 bytes, of which the
/// server needs 4 for the name under which it makes the socket.
const SOCKET_PATH_BYTES: usize = 103;
/// More shards than this is a slip of the pen.
const MOST_SHARDS: u16 = 256;

pub(super) fn config(
    source: &Source,
    folder: &Path,
    read_instruments: impl FnOnce(&Path) -> Result<Source, ConfigError>,
) -> Result<Config, ConfigError> {
    let document = parse_document(source).map_err(|problem| ConfigError::Wrong(vec![problem]))?;
    let problems = Problems::default();
    let root = Section::new(source, &problems, "", document.span(), document.get_ref());

    let node = node(root.table("node"), source, &problems, folder);
    let orders_days = root.table("orders").and_then(|section| remember_days(section, 1, MOST_ORDER_DAYS));
    let cash_days =
        root.table("cash").and_then(|section| remember_days(section, LEAST_CASH_DAYS, MOST_CASH_DAYS));
    let market_data = root.table("market_data").and_then(market_data);
    let currencies = root.required("currencies", currencies).map(|list| list.value).unwrap_or_default();
    let instruments_file = root.required("instruments", value::string);
    let brokers = root.tables("broker").into_iter().filter_map(broker).collect();
    let sessions =
        root.tables("session").into_iter().filter_map(|section| session(section, folder)).collect();
    let portfolios = root.tables("portfolio").into_iter().filter_map(portfolio).collect();
    let accounts = root.tables("account").into_iter().filter_map(account).collect();
    let approvals = root.table("approvals").map(approvals::read).unwrap_or_default();
    root.finish();

    let mut config = Config {
        node,
        orders_days,
        cash_days,
        market_data,
        currencies,
        instruments: Vec::new(),
        brokers,
        sessions,
        portfolios,
        accounts,
        approvals,
        text: ConfigText::of([source]),
    };
    if let Some(file) = instruments_file {
        match read_instruments(Path::new(&file.value)) {
            Ok(file) => {
                config.instruments = instruments::read(&file, &problems);
                config.text = ConfigText::of([source, &file]);
            }
            Err(error) => problems.add(file.at, "instruments", error.to_string()),
        }
    }
    // What is missing from a section that was left out would only be reported again as a name that leads nowhere.
    if problems.are_none() {
        check::config(&config, &problems);
    }
    problems.into_result()?;
    Ok(config)
}

/// As the core has them.
const MOST_ORDER_DAYS: u16 = 366;
const LEAST_CASH_DAYS: u16 = 30;
const MOST_CASH_DAYS: u16 = 3_660;

fn remember_days(section: Section<'_>, least: u16, most: u16) -> Option<u16> {
    let days = section.optional("remember_days", value::whole(least, most)).map(|days| days.value);
    section.finish();
    days
}

/// All are tasks of one thread.
const MOST_CONNECTIONS: u16 = 10_000;
/// A snapshot less often is as good as none.
const MOST_SNAPSHOT_RECORDS: u32 = 1_000_000_000;
/// No machine has more.
const MOST_CORE: u16 = 4095;
/// More would be held in memory for nothing.
const MOST_TRACED: u32 = 1_000_000;
/// An hour: dates would roll by more without a word.
const MOST_JUMP_S: u32 = 3_600;
/// A year: more is a clock that nobody has set.
const MOST_DOWN_H: u32 = 366 * 24;
const DURABILITIES: &[(&str, Durability)] = &[("process", Durability::Process), ("disk", Durability::Disk)];
const ACCESSES: &[(&str, SocketAccess)] =
    &[("user", SocketAccess::User), ("group", SocketAccess::Group), ("all", SocketAccess::All)];
const IDLES: &[(&str, Idle)] = &[("spin", Idle::Spin), ("yield", Idle::Yield), ("park", Idle::Park)];

fn node(section: Option<Section<'_>>, source: &Source, problems: &Problems, folder: &Path) -> Node {
    let mut node = Node {
        journal: folder.join("journal"),
        socket: folder.join("gannet.sock"),
        socket_access: SocketAccess::User,
        connections: 256,
        first_request_s: 10,
        shards: 1,
        cores: Vec::new(),
        durability: Durability::Process,
        idle: Idle::Park,
        clock_jump_bound_s: 5,
        clock_down_bound_h: 7 * 24,
        snapshot_records: 1_000_000,
        trace: 0,
        segment_kib: 64 * 1024,
        log: "info".to_owned(),
    };
    let Some(section) = section else {
        problems.add(source.line(1), "node", "the section [node] is missing");
        return node;
    };
    if let Some(journal) = section.required("journal", value::string) {
        node.journal = folder.join(journal.value);
    }
    if let Some(socket) = section.required("socket", |value| socket_path(folder, value)) {
        node.socket = socket.value;
    }
    if let Some(access) = section.optional("socket_access", value::one_of(ACCESSES)) {
        node.socket_access = access.value;
    }
    if let Some(connections) = section.optional("connections", value::whole(1, MOST_CONNECTIONS)) {
        node.connections = connections.value;
    }
    if let Some(seconds) = section.optional("first_request_s", value::whole(1, 3600)) {
        node.first_request_s = seconds.value;
    }
    if let Some(shards) = section.optional("shards", value::whole(1, MOST_SHARDS)) {
        node.shards = shards.value;
    }
    if let Some(cores) = section.optional("cores", |value| cores(node.shards, value)) {
        node.cores = cores.value;
    }
    if let Some(durability) = section.optional("durability", value::one_of(DURABILITIES)) {
        node.durability = durability.value;
    }
    if let Some(idle) = section.optional("idle", value::one_of(IDLES)) {
        node.idle = idle.value;
    }
    if let Some(seconds) = section.optional("clock_jump_bound_s", value::whole(1, MOST_JUMP_S)) {
        node.clock_jump_bound_s = seconds.value;
    }
    if let Some(hours) = section.optional("clock_down_bound_h", value::whole(1, MOST_DOWN_H)) {
        node.clock_down_bound_h = hours.value;
    }
    if let Some(records) = section.optional("snapshot_records", value::whole(0, MOST_SNAPSHOT_RECORDS)) {
        node.snapshot_records = records.value;
    }
    if let Some(entries) = section.optional("trace", value::whole(0, MOST_TRACED)) {
        node.trace = entries.value;
    }
    if let Some(kib) = section.optional("segment_kib", segment_kib) {
        node.segment_kib = kib.value;
    }
    if let Some(log) = section.optional("log", log_filter) {
        node.log = log.value;
    }
    section.finish();
    node
}

/// One core for each shard, none twice: two threads that share a core wait for each other.
fn cores(shards: u16, value: &DeValue<'_>) -> Result<Vec<u16>, Allowed> {
    let list = value.as_array().ok_or("must be a list of cores, as [2, 3], one for each shard")?;
    let mut cores = Vec::with_capacity(list.len());
    for item in list {
        let core = value::whole(0, MOST_CORE)(item.get_ref())?;
        if cores.contains(&core) {
            return Err(format!("names core {core} twice"));
        }
        cores.push(core);
    }
    if cores.is_empty() || cores.len() == usize::from(shards) {
        Ok(cores)
    } else {
        Err(format!("names {} cores for {shards} shards; it must be one for each, or none", cores.len()))
    }
}

/// What [`journal::Options`] allows, in KiB.
fn segment_kib(value: &DeValue<'_>) -> Result<u32, Allowed> {
    const PAGE_KIB: u32 = 4;
    let kib: u32 = value::whole(128, 2 * 1024 * 1024)(value)?;
    if kib.is_multiple_of(PAGE_KIB) {
        Ok(kib)
    } else {
        Err(format!("must be a multiple of {PAGE_KIB}; {} is the nearest below", kib / PAGE_KIB * PAGE_KIB))
    }
}

fn socket_path(folder: &Path, value: &DeValue<'_>) -> Result<PathBuf, Allowed> {
    let path = folder.join(value::string(value)?);
    let len_bytes = path.as_os_str().len();
    if len_bytes > SOCKET_PATH_BYTES {
        return Err(format!(
            "is a path of {len_bytes} bytes; a Unix socket's path has at most {SOCKET_PATH_BYTES}"
        ));
    }
    Ok(path)
}

fn log_filter(value: &DeValue<'_>) -> Result<String, Allowed> {
    let filter = value::string(value)?;
    match tracing_subscriber::EnvFilter::try_new(&filter) {
        Ok(_) => Ok(filter),
        Err(error) => {
            Err(format!("\"{filter}\" is not a log filter ({error}); as \"info\" or \"info,engine=debug\""))
        }
    }
}

fn market_data(section: Section<'_>) -> Option<MarketFeed> {
    let address = section.required("address", |value| {
        let written = value::string(value)?;
        written
            .parse()
            .map_err(|_| format!("\"{written}\" is not an address and port, as \"127.0.0.1:9010\""))
    });
    section.finish();
    Some(MarketFeed { address: address?.value })
}

fn currencies(value: &DeValue<'_>) -> Result<Vec<Currency>, Allowed> {
    let list = value.as_array().ok_or("must be a list, as [\"USD\", \"EUR\"]")?;
    let mut currencies = Vec::new();
    for item in list {
        let currency = value::currency(item.get_ref())?;
        if currencies.contains(&currency) {
            return Err(format!("names {currency} twice"));
        }
        currencies.push(currency);
    }
    if currencies.is_empty() { Err("names no currency".to_owned()) } else { Ok(currencies) }
}

fn broker(section: Section<'_>) -> Option<Located<Name>> {
    let name = section.required("name", value::text);
    section.finish();
    name
}

fn session(section: Section<'_>, folder: &Path) -> Option<SessionEntry> {
    let at = section.at();
    let name: Option<Located<Name>> = section.required("name", value::text);
    let shard = section.optional("shard", value::whole(0, u16::MAX)).map_or(0, |shard| shard.value);
    let broker = section.required("broker", value::text);
    let host = section.required("host", not_empty);
    let port = section.required("port", value::whole(1, u16::MAX));
    let sender_comp_id = section.required("sender_comp_id", comp_id);
    let target_comp_id = section.required("target_comp_id", comp_id);
    let heartbeat_s =
        section.optional("heartbeat_s", value::whole(1, 3600)).map_or(30, |seconds| seconds.value);
    let answer_timeout_s =
        section.optional("answer_timeout_s", value::whole(1, 3600)).map_or(5, |seconds| seconds.value);
    let store = section.required("store", not_empty);
    section.finish();
    Some(SessionEntry {
        at,
        name: name?.value,
        shard: ShardId::new(shard),
        broker: broker?,
        host: host?.value,
        port: port?.value,
        sender_comp_id: sender_comp_id?.value,
        target_comp_id: target_comp_id?.value,
        heartbeat_s,
        answer_timeout_s,
        store: folder.join(store?.value),
    })
}

fn not_empty(value: &DeValue<'_>) -> Result<String, Allowed> {
    let written = value::string(value)?;
    if written.trim().is_empty() { Err("is empty".to_owned()) } else { Ok(written) }
}

/// FIX tags 49 and 56 stand in file names and in QuickFIX's own settings: letters, digits, `-`, `_` and `.`.
fn comp_id(value: &DeValue<'_>) -> Result<String, Allowed> {
    let written = value::string(value)?;
    let plain = written.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if plain && !written.is_empty() && written.len() <= 32 {
        Ok(written)
    } else {
        Err(format!("\"{written}\" must be 1 to 32 letters, digits, '-', '_' or '.'"))
    }
}

fn portfolio(section: Section<'_>) -> Option<PortfolioEntry> {
    let at = section.at();
    let name: Option<Located<Name>> = section.required("name", value::text);
    let shard = section.optional("shard", value::whole(0, u16::MAX)).map_or(0, |shard| shard.value);
    let strategies = section.table("strategies").map(|section| strategies(&section)).unwrap_or_default();
    let gross_exposure =
        section.table("max_gross_exposure").map(|section| gross_exposure(&section)).unwrap_or_default();
    section.finish();
    Some(PortfolioEntry { at, name: name?.value, shard: ShardId::new(shard), strategies, gross_exposure })
}

fn strategies(section: &Section<'_>) -> Vec<(Name, StrategyId)> {
    let mut strategies: Vec<(Name, StrategyId)> = Vec::new();
    section.entries(|name, value| {
        let written = Name::new(name).map_err(|error| format!("the name {error}"))?;
        let id = StrategyId::new(value::whole(1, u16::MAX)(value)?);
        if let Some((other, _)) = strategies.iter().find(|(_, taken)| *taken == id) {
            return Err(format!("the number {id} is that of \"{other}\" already"));
        }
        strategies.push((written, id));
        Ok(())
    });
    strategies
}

fn gross_exposure(section: &Section<'_>) -> Vec<(Currency, Amount)> {
    let entries = section.entries(|code, value| {
        let currency = value::currency_code(code)?;
        Ok((currency, Amount::new(value::not_negative(value)?)))
    });
    entries.into_iter().map(|entry| entry.value).collect()
}

fn account(section: Section<'_>) -> Option<AccountEntry> {
    let at = section.at();
    let name: Option<Located<Name>> = section.required("name", value::text);
    let portfolio = section.required("portfolio", value::text);
    let session = section.required("session", value::text);
    let fees = section.table("fees").map_or(FeeSchedule::FREE, fees);
    let limits = section.table("limits").map(|section| limits(&section)).unwrap_or_default();
    section.finish();
    Some(AccountEntry { at, name: name?.value, portfolio: portfolio?, session: session?, fees, limits })
}

fn fees(section: Section<'_>) -> FeeSchedule {
    let part =
        |key| section.optional(key, value::not_negative).map_or(Amount::ZERO, |part| Amount::new(part.value));
    let fees = FeeSchedule { rate_bps: part("rate_bps"), per_unit: part("per_unit") };
    section.finish();
    fees
}

fn limits(section: &Section<'_>) -> Vec<(LimitKind, Decimal)> {
    let entries = section.entries(limit);
    let mut limits: Vec<_> = entries.into_iter().map(|entry| entry.value).collect();
    limits.sort_by_key(|(kind, _)| *kind);
    limits
}

fn limit(name: &str, value: &DeValue<'_>) -> Result<(LimitKind, Decimal), Allowed> {
    let kinds = || LimitKind::ALL.into_iter().filter(|kind| *kind != LimitKind::MaxGrossExposure);
    let kind = match LimitKind::from_name(name) {
        Some(LimitKind::MaxGrossExposure) => {
            return Err(
                "is a limit of portfolios, for each currency: max_gross_exposure = { USD = ... }".to_owned()
            );
        }
        Some(kind) => kind,
        None => {
            let names = || kinds().map(LimitKind::as_str);
            let hint = did_you_mean(name, names());
            return Err(format!("is not a limit{hint}; allowed are {}", listed(names())));
        }
    };
    let number = match value.as_bool() {
        Some(flag) if kind == LimitKind::ShortSale => Decimal::from(u8::from(flag)),
        _ => value::decimal(value)?,
    };
    if Limits::default().set(kind, Some(number)) {
        Ok((kind, number))
    } else {
        Err(limit_range(kind, number))
    }
}

fn limit_range(kind: LimitKind, number: Decimal) -> Allowed {
    let allowed = match kind {
        LimitKind::PriceBandBps => "a whole number of basis points from 0 to 9999",
        LimitKind::MaxQuoteAgeMs => "a whole number of milliseconds from 0 to 86400000",
        LimitKind::ShortSale => "true or false",
        _ => "a number of zero or above",
    };
    format!("{number} is not {allowed}")
}
