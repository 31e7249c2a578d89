//! Why an order is what it is: every record that was about it, what the gate saw, and what followed.

use actors::{Core, Facts, Order};
use engine::{Records, Replay, newest_where};
use journal::{Folder, JournalError, Reader, Record};
use model::{
    AccountId, ClOrdId, Command, Event, Incarnation, Input, InstrumentId, Name, OrderId, OutboundKind,
    RecordBody, ShardId, Timestamp, WireId,
};

use super::PastError;
use super::standing::Standing;
use crate::journals::{JournalsError, shard_folder, shards_of};
use front::definitions::Definitions;
use front::directory::Directory;

/// Which order is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Our identity of it, or of a cancel or replace request about it.
    Id(WireId),
    /// The submitter's identifier, in one account or in whichever has it.
    ClOrdId(ClOrdId, Option<Name>),
}

/// One record that was about the order.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The record.
    pub record: Record<RecordBody>,
    /// For a submission or replace: what the gate saw.
    pub facts: Option<Facts>,
    /// What followed.
    pub events: Vec<Event>,
    /// What left for the broker.
    pub sent: Vec<OutboundKind>,
    /// The order behind it; absent where there is none, as after a denial.
    pub standing: Option<Standing>,
}

/// The whole answer.
#[derive(Debug)]
pub struct Why {
    /// The order's identity; absent where every submission was denied.
    pub order: Option<OrderId>,
    /// Whose.
    pub account: AccountId,
    /// The submitter's identifier.
    pub cl_ord_id: ClOrdId,
    /// Its records, in order.
    pub entries: Vec<Entry>,
    /// Names, at the end of the journal.
    pub directory: Directory,
}

/// Reads the journals in `folder` for everything about one order.
pub fn why(folder: impl Into<Folder>, asked: &Asked) -> Result<Why, PastError> {
    let folder = folder.into();
    let shards = shards_of(&folder.path)?;
    if shards.is_empty() {
        return Err(JournalsError::None(folder.path).into());
    }
    let unknown = || match asked {
        Asked::Id(id) => PastError::UnknownOrder(id.to_string()),
        Asked::ClOrdId(id, None) => PastError::UnknownOrder(id.to_string()),
        Asked::ClOrdId(id, Some(account)) => PastError::UnknownOrder(format!("{id} of {account}")),
    };
    let found = match asked {
        Asked::Id(id) => {
            let shard = ShardId::new(id.shard);
            let dir = shard_folder(&folder, shard);
            let (account, cl_ord_id) = named_by(&dir, *id)?.ok_or_else(unknown)?;
            vec![trace(&dir, shard, &Wanted { cl_ord_id, account: Whose::Id(account) })?]
        }
        Asked::ClOrdId(cl_ord_id, account) => {
            let wanted = Wanted { cl_ord_id: *cl_ord_id, account: account.map_or(Whose::Any, Whose::Name) };
            let dirs = shards.iter().map(|shard| (shard_folder(&folder, *shard), *shard));
            dirs.map(|(dir, shard)| trace(&dir, shard, &wanted)).collect::<Result<Vec<_>, _>>()?
        }
    };
    let mut found = found.into_iter().flatten();
    let first = found.next().ok_or_else(unknown)?;
    match found.next() {
        Some(second) => Err(several(&first, &second)),
        None => Ok(first),
    }
}

fn several(first: &Why, second: &Why) -> PastError {
    PastError::SeveralAccounts {
        cl_ord_id: first.cl_ord_id.to_string(),
        first: first.directory.account_name(first.account),
        second: second.directory.account_name(second.account),
    }
}

/// The account and identifier that the command in the record of `id` named.
fn named_by(dir: &Folder, id: WireId) -> Result<Option<(AccountId, ClOrdId)>, PastError> {
    let mut reader = match Reader::from_seq(dir, id.seq.max(1)) {
        Err(JournalError::NotHere { .. } | JournalError::NoJournal { .. }) => return Ok(None),
        reader => reader?,
    };
    let Some(record) = reader.next()? else { return Ok(None) };
    if record.position.seq != id.seq || record.incarnation != (Incarnation { count: id.incarnation }) {
        return Ok(None);
    }
    let RecordBody::Input(Input::Command { command, .. }) = &record.body else { return Ok(None) };
    let (account, order, cl_ord_id) = match command {
        Command::NewOrder(order) => return Ok(Some((order.account, order.cl_ord_id))),
        Command::CancelOrder(cancel) => (cancel.account, cancel.order, cancel.cl_ord_id),
        Command::ReplaceOrder(replace) => (replace.account, replace.order, replace.cl_ord_id),
        _ => return Ok(None),
    };
    match order {
        // A request names an order that is older than itself: this ends.
        Some(order) if order.seq < id.seq => named_by(dir, order),
        Some(_) => Ok(None),
        None => Ok(Some((account, cl_ord_id))),
    }
}

/// What a journal is read for.
struct Wanted {
    cl_ord_id: ClOrdId,
    account: Whose,
}

#[derive(Clone, Copy)]
enum Whose {
    Any,
    Id(AccountId),
    Name(Name),
}

impl Whose {
    fn is(self, core: &Core, account: AccountId) -> bool {
        match self {
            Self::Any => true,
            Self::Id(id) => id == account,
            Self::Name(name) => core.account_named(&name).is_some_and(|known| known.definition.id == account),
        }
    }
}

/// Replays one journal and collects what is about the order; one answer for each account that has it.
fn trace(dir: &Folder, shard: ShardId, wanted: &Wanted) -> Result<Vec<Why>, PastError> {
    let Some(born) = first_submission(dir, wanted)? else { return Ok(Vec::new()) };
    // Before that nothing was about it: what the gate saw then, a snapshot tells as well as the records do.
    let start = newest_where::<Core>(dir, shard, |seq, _| seq < born);
    let mut replay = start.map_or_else(|| Replay::<Core>::new(shard), Replay::resume);
    let mut records = Records::in_turn(Reader::from_seq(dir, replay.position().seq + 1)?);
    let mut threads: Vec<Thread> = Vec::new();
    while let Some((record, following)) = records.next_two()? {
        if let Some(account) = submits(record, wanted, replay.core())
            && threads.iter().all(|thread| thread.account != account)
        {
            // An order that is older than the first record here that names it was born in what was moved elsewhere.
            let older = replay.core().order_by_cl_ord_id(account, &wanted.cl_ord_id);
            if let Some(order) = older.filter(|order| order.id.seq < record.position.seq) {
                Reader::from_seq(dir, order.id.seq)?;
            }
            threads.push(Thread { account, cl_ord_id: wanted.cl_ord_id, order: None, entries: Vec::new() });
        }
        let before: Vec<Before> = threads.iter().map(|thread| thread.before(record, replay.core())).collect();
        let outcome = replay.step_before(record, following)?;
        if threads.is_empty() {
            continue;
        }
        let (events, sent) = (outcome.events.clone(), outcome.outbound.clone());
        let sent: Vec<OutboundKind> = sent.into_iter().map(|message| message.kind).collect();
        for (thread, before) in threads.iter_mut().zip(before) {
            thread.take(record, &before, &events, &sent, replay.core());
        }
    }
    let directory = || Directory::new([shard], &Definitions::of([(shard, replay.core())], &[]));
    let answer = |thread: Thread| Why {
        order: thread.order,
        account: thread.account,
        cl_ord_id: thread.cl_ord_id,
        entries: thread.entries,
        directory: directory(),
    };
    Ok(threads.into_iter().map(answer).collect())
}

/// The first record that submits an order of this identifier, whoever it is of.
fn first_submission(dir: &Folder, wanted: &Wanted) -> Result<Option<u64>, PastError> {
    let mut reader = match Reader::open(dir) {
        Err(JournalError::NoJournal { .. }) => return Ok(None),
        reader => reader?,
    };
    while let Some(record) = reader.next()? {
        if let RecordBody::Input(Input::Command { command: Command::NewOrder(order), .. }) = &record.body
            && order.cl_ord_id == wanted.cl_ord_id
        {
            return Ok(Some(record.position.seq));
        }
    }
    Ok(None)
}

/// The account that this record submits the order for.
fn submits(record: &Record<RecordBody>, wanted: &Wanted, core: &Core) -> Option<AccountId> {
    let RecordBody::Input(Input::Command { command: Command::NewOrder(order), .. }) = &record.body else {
        return None;
    };
    let is_it = order.cl_ord_id == wanted.cl_ord_id && wanted.account.is(core, order.account);
    is_it.then_some(order.account)
}

/// One order on its way through the journal.
struct Thread {
    account: AccountId,
    cl_ord_id: ClOrdId,
    order: Option<OrderId>,
    entries: Vec<Entry>,
}

/// What was there before a record.
struct Before {
    order: Option<Order>,
    facts: Option<Facts>,
    is_named: bool,
}

impl Thread {
    fn current(&self, core: &Core) -> Option<Order> {
        core.order_of(self.account, self.order?)
    }

    fn before(&self, record: &Record<RecordBody>, core: &Core) -> Before {
        let order = self.current(core);
        let RecordBody::Input(input) = &record.body else {
            return Before { order, facts: None, is_named: false };
        };
        let is_named = self.names(input, core);
        let facts = match input {
            Input::Command { stamped, command, .. } if is_named => core.facts(record.time, stamped, command),
            _ => None,
        };
        Before { order, facts, is_named }
    }

    fn is_submission(&self, input: &Input) -> bool {
        matches!(input, Input::Command { command: Command::NewOrder(new), .. }
            if new.account == self.account && new.cl_ord_id == self.cl_ord_id)
    }

    /// True where the input itself says that it is about this order.
    fn names(&self, input: &Input, core: &Core) -> bool {
        let routed = |ids: &[Option<WireId>]| {
            let routes = ids.iter().flatten().filter_map(|id| core.route(*id));
            let mut orders = routes.map(|route| route.order);
            orders.any(|order| Some(order) == self.order)
        };
        let meant = |account: AccountId, order: Option<OrderId>, cl_ord_id: ClOrdId| match order {
            Some(order) => Some(order) == self.order,
            None => account == self.account && cl_ord_id == self.cl_ord_id,
        };
        match input {
            Input::Command { command, .. } => match command {
                Command::NewOrder(_) => self.is_submission(input),
                Command::CancelOrder(cancel) => meant(cancel.account, cancel.order, cancel.cl_ord_id),
                Command::ReplaceOrder(replace) => meant(replace.account, replace.order, replace.cl_ord_id),
                _ => false,
            },
            Input::ExecutionReport(report) => routed(&[report.cl_ord_id, report.orig_cl_ord_id]),
            Input::CancelReject(reject) => routed(&[reject.cl_ord_id, reject.orig_cl_ord_id]),
            Input::MessageReject(reject) => routed(&[reject.refused]),
            Input::Quarantined(message) => routed(&[message.cl_ord_id]),
            Input::Evidence(evidence) => routed(&[Some(evidence.request)]),
            _ => false,
        }
    }

    fn take(
        &mut self,
        record: &Record<RecordBody>,
        before: &Before,
        events: &[Event],
        sent: &[OutboundKind],
        core: &Core,
    ) {
        if self.order.is_none() && before.is_named {
            self.order = events.iter().find_map(|event| match event {
                Event::OrderAccepted { order, .. } => Some(*order),
                _ => None,
            });
        }
        let after = self.current(core);
        if !before.is_named && before.order == after && !concerns(record, after.as_ref()) {
            return;
        }
        let is_ours = |event: &&Event| about(event).is_none_or(|order| Some(order) == self.order);
        self.entries.push(Entry {
            record: record.clone(),
            facts: before.facts,
            events: events.iter().filter(is_ours).copied().collect(),
            sent: sent.to_vec(),
            standing: after.as_ref().map(Standing::of),
        });
    }
}

/// True for what bears on every open order of a session, whether or not it changed this one.
fn concerns(record: &Record<RecordBody>, order: Option<&Order>) -> bool {
    let Some(order) = order.filter(|order| !order.is_finished()) else { return false };
    match &record.body {
        RecordBody::Input(Input::Opened { .. }) => true,
        RecordBody::Input(Input::Session(change)) => change.session == order.session,
        _ => false,
    }
}

/// The order that an event names.
const fn about(event: &Event) -> Option<OrderId> {
    match event {
        Event::OrderAccepted { order, .. }
        | Event::OrderExists { order, .. }
        | Event::RequestAccepted { order, .. }
        | Event::RequestRefused { order, .. }
        | Event::OrderChanged { order, .. }
        | Event::Executed { order, .. }
        | Event::ExecutionRepeated { order, .. } => Some(*order),
        Event::Alert(alert) => alert.order,
        _ => None,
    }
}

impl Why {
    /// What was ordered.
    pub fn instrument(&self) -> Option<InstrumentId> {
        self.entries.iter().find_map(|entry| match entry.input()? {
            Input::Command { command: Command::NewOrder(order), .. } => Some(order.instrument),
            _ => None,
        })
    }
}

impl Entry {
    /// Its time.
    pub const fn time(&self) -> Timestamp {
        self.record.time
    }

    /// What came in; absent only for a digest, which is about no order.
    pub const fn input(&self) -> Option<&Input> {
        match &self.record.body {
            RecordBody::Input(input) => Some(input),
            RecordBody::Digest(_) => None,
        }
    }
}
