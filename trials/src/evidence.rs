//! What the node's journals and the broker's log say, read on from where the last reading ended, and the checks of
//! the one against the other.
//!
//! The state is the reader's own: every record from the first is replayed here, while the node starts from snapshots.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use actors::Core;
use engine::{EngineError, Records, Replay};
use journal::{JournalError, Reader};
use model::{Amount, Certainty, Event, OrderId, Position, Price, Quantity, Side, WireId};
use node::config::Config;
use paper_broker::{Entry, LogLine, Report as BrokerReport};
use wire::Status;

use super::TrialError;
use super::acknowledged::Acknowledged;
use super::findings::{Check, Findings};
use super::numbers::Sides;

/// One execution, as either side tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Execution {
    order: Option<OrderId>,
    symbol: String,
    side: Side,
    quantity: Quantity,
    price: Price,
}

/// One shard's journal, as far as it was read.
pub(crate) struct Followed {
    dir: PathBuf,
    pub(crate) replay: Replay<Core>,
    /// The checksum of the last record that was read.
    crc: u32,
    /// Digests that the node showed at records that were not read yet.
    shown: BTreeMap<u64, String>,
}

/// The broker's log, as far as it was read.
#[derive(Default)]
struct Theirs {
    read_bytes: u64,
    fills: BTreeMap<String, Vec<BrokerReport>>,
    /// How often each ClOrdID of an order or request arrived.
    received: BTreeMap<String, u32>,
    /// The ClOrdID by number, for each of the broker's sessions.
    numbers: BTreeMap<String, BTreeMap<u64, String>>,
    orders: u64,
}

/// Everything that is known of a trial.
pub(crate) struct Evidence {
    pub(crate) shards: Vec<Followed>,
    broker_log: PathBuf,
    theirs: Theirs,
    executions: BTreeMap<String, Vec<Execution>>,
    sides: Vec<Sides>,
    /// What both sides of the sessions did not agree about when they were read last.
    disagreements: Vec<String>,
    pub(crate) findings: Findings,
}

impl Evidence {
    /// Nothing is read yet.
    pub(crate) fn new(config: &Config, root: &Path) -> Self {
        let shards = super::world::journals(config).into_iter().zip(0..);
        let followed = |(dir, shard)| Followed {
            dir,
            replay: Replay::<Core>::new(model::ShardId::new(shard)),
            crc: 0,
            shown: BTreeMap::new(),
        };
        Self {
            shards: shards.map(followed).collect(),
            broker_log: super::world::broker_log(root),
            theirs: Theirs::default(),
            executions: BTreeMap::new(),
            sides: Sides::of(config, root),
            disagreements: Vec::new(),
            findings: Findings::default(),
        }
    }

    /// Reads on: the journals, then the broker's log. So every execution that is booked stands in the log; what
    /// stands in the log only, an execution or an order, may have come in between and is settled by reading on.
    pub(crate) fn read_on(&mut self) -> Result<(), TrialError> {
        for shard in &mut self.shards {
            shard.read_on(&mut self.executions, &mut self.findings)?;
        }
        self.theirs.read_on(&self.broker_log)?;
        self.disagreements = self.disagreements();
        Ok(())
    }

    /// Remembers the digests the node shows; they are compared once the journal is read up to there.
    pub(crate) fn note_shown(&mut self, status: &Status) {
        for row in &status.shards {
            let shard = self.shards.iter_mut().find(|shard| shard.position().shard == row.position.shard);
            if let Some(shard) = shard {
                shard.note_shown(row.position, &row.digest, &mut self.findings);
            }
            if let Some(at) = row.diverged_at {
                self.findings.add(Check::DigestMismatches, format!("the node's own audit differs at {at}"));
            }
        }
    }

    pub(crate) fn cores(&self) -> impl Iterator<Item = &Core> {
        self.shards.iter().map(|shard| shard.replay.core())
    }

    fn order(&self, id: WireId) -> Option<actors::Order> {
        self.cores().find_map(|core| core.order(id))
    }

    pub(crate) fn orders(&self) -> impl Iterator<Item = actors::Order> {
        self.cores().flat_map(|core| core.accounts().flat_map(|account| core.orders(account.definition.id)))
    }

    /// Executions in our books, in the broker's log.
    pub(crate) fn executions(&self) -> (usize, usize) {
        (self.executions.len(), self.theirs.fills.len())
    }

    /// Orders and requests that reached the broker; orders among them.
    pub(crate) fn received(&self) -> (usize, u64) {
        (self.theirs.received.len(), self.theirs.orders)
    }

    /// Executions of the broker that are not in our books: on their way, or lost.
    fn missing(&self) -> impl Iterator<Item = &String> {
        self.theirs.fills.keys().filter(|exec_id| !self.executions.contains_key(*exec_id))
    }

    fn disagreements(&self) -> Vec<String> {
        let high_water = |name: &str| {
            let sessions = self.cores().flat_map(Core::sessions);
            let of_name = sessions.filter(|book| book.definition.name.to_string() == name);
            of_name.map(|book| book.inbound_high_water).max().unwrap_or(0)
        };
        self.sides.iter().filter_map(|sides| sides.disagreement(high_water(sides.name()))).collect()
    }

    /// Orders and requests that reached the broker and are not in the journal.
    fn unknown(&self) -> impl Iterator<Item = &String> {
        let is_known = |text: &str| text.parse::<WireId>().is_ok_and(|id| self.order(id).is_some());
        self.theirs.received.keys().filter(move |cl_ord_id| !is_known(cl_ord_id))
    }

    /// True where nothing is on its way any more.
    pub(crate) fn is_settled(&self) -> bool {
        self.missing().next().is_none() && self.unknown().next().is_none() && self.disagreements.is_empty()
    }

    /// The checks that hold at every quiet instant, also while orders are open.
    pub(crate) fn judge(&mut self, acknowledged: &Acknowledged) {
        let mut findings = std::mem::take(&mut self.findings);
        for exec_id in self.missing() {
            findings.add(Check::FillsLost, format!("{exec_id} is in the broker's log, not in our books"));
        }
        self.judge_executions(&mut findings);
        self.judge_orders(acknowledged, &mut findings);
        for what in &self.disagreements {
            findings.add(Check::SequenceMismatches, what.clone());
        }
        self.judge_ledger(&mut findings);
        self.findings = findings;
    }

    fn judge_executions(&self, findings: &mut Findings) {
        for (exec_id, booked) in &self.executions {
            let told = self.theirs.fills.get(exec_id).map_or(&[][..], Vec::as_slice);
            if booked.len() > told.len() {
                let what = format!(
                    "{exec_id}: {} times in our books, {} in the broker's log",
                    booked.len(),
                    told.len()
                );
                findings.add(Check::FillsTwice, what);
            } else if booked.len() < told.len() {
                let what = format!(
                    "{exec_id}: {} times in the broker's log, {} in our books",
                    told.len(),
                    booked.len()
                );
                findings.add(Check::FillsLost, what);
            } else if let ([booked], [fill]) = (booked.as_slice(), told)
                && self.told(fill).as_ref() != Some(booked)
            {
                let what = format!("{exec_id}: the broker says {:?}, our books {booked:?}", self.told(fill));
                findings.add(Check::FillsLost, what);
            }
        }
    }

    /// The broker's words in ours.
    fn told(&self, fill: &BrokerReport) -> Option<Execution> {
        let order = fill.cl_ord_id.parse::<WireId>().ok().and_then(|id| self.order(id)).map(|order| order.id);
        Some(Execution {
            order,
            symbol: fill.symbol.clone(),
            side: match fill.side? {
                paper_broker::Side::Buy => Side::Buy,
                paper_broker::Side::Sell => Side::Sell,
            },
            quantity: fill.last_qty.to_string().parse().ok()?,
            price: fill.last_px.to_string().parse().ok()?,
        })
    }

    fn judge_orders(&self, acknowledged: &Acknowledged, findings: &mut Findings) {
        for (cl_ord_id, times) in self.theirs.received.iter().filter(|(_, times)| **times > 1) {
            findings.add(Check::OrdersDuplicated, format!("{cl_ord_id} reached the broker {times} times"));
        }
        for cl_ord_id in self.unknown() {
            findings
                .add(Check::OrdersLost, format!("{cl_ord_id} reached the broker and is not in the journal"));
        }
        let known: BTreeSet<OrderId> = self.orders().map(|order| order.id).collect();
        for (order, (account, cl_ord_id)) in acknowledged {
            if !known.contains(order) {
                let what = format!("{order} ({account} {cl_ord_id}) was acknowledged and is lost");
                findings.add(Check::OrdersLost, what);
            }
        }
    }

    fn judge_ledger(&self, findings: &mut Findings) {
        for account in self.cores().flat_map(Core::accounts) {
            for (asset, book) in account.ledger().books() {
                let name = account.definition.name;
                judge_sum(
                    &format!("{name} {asset:?}"),
                    book.sum().map_err(|error| error.to_string()),
                    findings,
                );
            }
        }
    }

    /// The checks that hold once every order has ended and both processes have.
    pub(crate) fn judge_end(&mut self, acknowledged: &Acknowledged) {
        self.judge(acknowledged);
        let mut findings = std::mem::take(&mut self.findings);
        for order in self.orders() {
            if !order.is_finished() || order.certainty == Certainty::InDoubt {
                let what = format!("{} has no fate: {}", order.id, order.shown_status());
                findings.add(Check::OrdersLost, what);
            }
            if order.cum_quantity.is_positive() && !self.theirs.received.contains_key(&order.id.to_string()) {
                let what = format!("{} was executed and never reached the broker", order.id);
                findings.add(Check::FillsTwice, what);
            }
        }
        for account in self.cores().flat_map(Core::accounts) {
            for (asset, book) in account.ledger().books().filter(|(_, book)| book.reserved() != Amount::ZERO)
            {
                let (name, reserved) = (account.definition.name, book.reserved());
                findings.add(
                    Check::LedgerNonzero,
                    format!("{name} {asset:?} has {reserved} reserved for nothing"),
                );
            }
        }
        let nothing = BTreeMap::new();
        for sides in &self.sides {
            let received = self.theirs.numbers.get(sides.target()).unwrap_or(&nothing);
            sides.compare_requests(received, &mut findings);
        }
        for shard in &self.shards {
            shard.judge_end(&mut findings);
        }
        self.findings = findings;
    }
}

/// One book of the ledger must sum to zero.
fn judge_sum(book: &str, sum: Result<Amount, String>, findings: &mut Findings) {
    match sum {
        Ok(sum) if sum.is_zero() => {}
        Ok(sum) => findings.add(Check::LedgerNonzero, format!("{book} sums to {sum}")),
        Err(error) => findings.add(Check::LedgerNonzero, format!("{book} cannot be summed: {error}")),
    }
}

impl Followed {
    const fn position(&self) -> Position {
        self.replay.position()
    }

    fn read_on(
        &mut self,
        executions: &mut BTreeMap<String, Vec<Execution>>,
        findings: &mut Findings,
    ) -> Result<(), TrialError> {
        let at = self.position();
        let mut reader = match Reader::from_seq(&self.dir, at.seq.max(1)) {
            Ok(reader) => reader,
            // Cut behind a record that was read.
            Err(JournalError::NotHere { .. }) => {
                self.was_rewritten(findings);
                return Ok(());
            }
            Err(error) => return Err(EngineError::from(error).into()),
        };
        if at.seq > 0 {
            // What was read once must still be there.
            match reader.next::<model::RecordBody>().map_err(EngineError::from)? {
                Some(record) if record.crc == self.crc => {}
                _ => {
                    self.was_rewritten(findings);
                    return Ok(());
                }
            }
        }
        let mut records = Records::in_turn(reader);
        while let Some((record, following)) = records.next_two()? {
            self.crc = record.crc;
            let outcome = match self.replay.step_before(record, following) {
                Ok(outcome) => outcome.events.clone(),
                Err(error @ EngineError::DigestMismatch { .. }) => {
                    findings.add(Check::DigestMismatches, error.to_string());
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            for event in &outcome {
                self.note_execution(event, executions);
            }
            if let Some(shown) = self.shown.remove(&record.position.seq) {
                self.compare(record.position, &shown, findings);
            }
        }
        Ok(())
    }

    fn was_rewritten(&self, findings: &mut Findings) {
        let what = format!("record {} was in the journal and is no longer", self.position());
        findings.add(Check::DigestMismatches, what);
    }

    fn note_execution(&self, event: &Event, executions: &mut BTreeMap<String, Vec<Execution>>) {
        let Event::Executed { order, exec_id, side, quantity, price, instrument, .. } = event else { return };
        let symbol =
            self.replay.core().instrument(*instrument).map(|book| book.definition.symbol.to_string());
        executions.entry(exec_id.to_string()).or_default().push(Execution {
            order: Some(*order),
            symbol: symbol.unwrap_or_default(),
            side: *side,
            quantity: *quantity,
            price: *price,
        });
    }

    fn note_shown(&mut self, at: Position, digest: &str, findings: &mut Findings) {
        match at.seq.cmp(&self.position().seq) {
            std::cmp::Ordering::Greater => drop(self.shown.insert(at.seq, digest.to_owned())),
            std::cmp::Ordering::Equal => self.compare(at, digest, findings),
            // The digest there is gone by; it was compared with the recorded ones.
            std::cmp::Ordering::Less => {}
        }
    }

    fn compare(&self, at: Position, shown: &str, findings: &mut Findings) {
        let replayed = self.replay.digest().to_string();
        if replayed != shown {
            let what = format!("at {at} the node showed {shown}, the replay {replayed}");
            findings.add(Check::DigestMismatches, what);
        }
    }

    /// What the node starts from (the newest snapshot, and the records after it) must be what the first record and
    /// all others lead to; and the chain of segments must be whole.
    fn judge_end(&self, findings: &mut Findings) {
        for at in self.shown.keys() {
            let what = format!("the node showed a digest at record {at}, which is not in the journal");
            findings.add(Check::DigestMismatches, what);
        }
        match engine::recover::<Core>(&self.dir) {
            Ok(recovered) => {
                let (here, there) =
                    (engine::state_hash(self.replay.core()), engine::state_hash(&recovered.core));
                if here != there || recovered.digest != self.replay.digest() {
                    let what = format!("{}: the snapshot's way and the whole way differ", self.dir.display());
                    findings.add(Check::DigestMismatches, what);
                }
            }
            Err(error) => findings.add(Check::DigestMismatches, error.to_string()),
        }
        if let Err(error) = journal::verify::<model::RecordBody>(&self.dir) {
            findings.add(Check::DigestMismatches, format!("{}: {error}", self.dir.display()));
        }
    }
}

impl Theirs {
    /// Whole lines only: the broker may be writing, and cuts half a line when it starts again.
    fn read_on(&mut self, path: &Path) -> Result<(), TrialError> {
        let failed = |error: std::io::Error| TrialError::BrokerLog(format!("{}: {error}", path.display()));
        let mut file = File::open(path).map_err(failed)?;
        file.seek(SeekFrom::Start(self.read_bytes)).map_err(failed)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        for line in bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
            let read: LogLine = serde_json::from_slice(line)
                .map_err(|error| TrialError::BrokerLog(format!("{}: {error}", path.display())))?;
            self.take(read.entry);
            self.read_bytes += line.len() as u64;
        }
        Ok(())
    }

    fn take(&mut self, entry: Entry) {
        match entry {
            Entry::ReceivedNew(new) => {
                self.orders += 1;
                self.arrived(new.received, new.cl_ord_id);
            }
            Entry::ReceivedCancel(change) | Entry::ReceivedReplace(change) => {
                self.arrived(change.received, change.cl_ord_id);
            }
            Entry::Fill(report) => self.fills.entry(report.exec_id.clone()).or_default().push(report),
            _ => {}
        }
    }

    fn arrived(&mut self, received: paper_broker::Received, cl_ord_id: String) {
        *self.received.entry(cl_ord_id.clone()).or_default() += 1;
        self.numbers.entry(received.session).or_default().insert(received.msg_seq_num, cl_ord_id);
    }
}

#[cfg(test)]
mod tests {
    use journal::Options;
    use model::{Input, ShardId, Timestamp};
    use node::config::{EXAMPLE_INSTRUMENTS, EXAMPLE_NODE};

    use super::*;

    fn evidence(root: &Path) -> Evidence {
        let config = Config::from_texts(EXAMPLE_NODE, EXAMPLE_INSTRUMENTS, root).unwrap();
        std::fs::create_dir_all(root.join("broker")).unwrap();
        std::fs::write(root.join("broker/broker.log"), "").unwrap();
        Evidence::new(&config, root)
    }

    #[test]
    fn a_book_that_does_not_sum_to_zero_is_noticed() {
        let mut findings = Findings::default();
        judge_sum("A cash", Ok(Amount::ZERO), &mut findings);
        assert!(findings.is_empty());
        judge_sum("A cash", Ok(Amount::from(1u32)), &mut findings);
        judge_sum("B cash", Err("more than 28 digits".to_owned()), &mut findings);
        assert_eq!(findings.count(Check::LedgerNonzero), 2);
    }

    #[test]
    fn an_execution_that_is_booked_twice_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let mut evidence = evidence(dir.path());
        let booked = Execution {
            order: None,
            symbol: "IBM".to_owned(),
            side: Side::Buy,
            quantity: 5u32.into(),
            price: Price::new(10.into()),
        };
        let log = r#"{"at_utc_ns":5,"kind":"fill","session":"GANNET","exec_id":"E1-2","order_id":"O1-1","cl_ord_id":"x","orig_cl_ord_id":null,"exec_type":"trade","ord_status":"filled","account":"A","symbol":"IBM","side":"buy","ord_type":"limit","tif":"gtc","qty":"5","price":"10","last_qty":"5","last_px":"10","cum_qty":"5","leaves_qty":"0","avg_px":"10","transact_utc_ns":1,"trade_date":"20131007","ord_rej_reason":null,"ord_status_req_id":null,"text":""}"#;
        std::fs::write(dir.path().join("broker/broker.log"), format!("{log}\n{{\"half")).unwrap();
        evidence.theirs.read_on(&evidence.broker_log).unwrap();
        assert!(!evidence.is_settled(), "an execution is on its way");
        evidence.executions.insert("E1-2".to_owned(), vec![booked.clone()]);
        let mut findings = Findings::default();
        evidence.judge_executions(&mut findings);
        assert!(findings.is_empty(), "{findings:?}");
        evidence.executions.insert("E1-2".to_owned(), vec![booked.clone(), booked]);
        evidence.judge_executions(&mut findings);
        assert_eq!((findings.count(Check::FillsTwice), findings.count(Check::FillsLost)), (1, 0));
    }

    #[test]
    fn a_record_that_was_read_and_is_gone_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let mut evidence = evidence(dir.path());
        let journal = dir.path().join("journal/shard-0");
        let mut writer = journal::open(&Options::new(&journal, ShardId::new(0))).unwrap().writer;
        for _ in 0..5 {
            writer.append(Timestamp::from_nanos(1), &Input::Tick).unwrap();
        }
        evidence.read_on().unwrap();
        writer.append(Timestamp::from_nanos(1), &Input::Tick).unwrap();
        writer.close().unwrap();
        evidence.read_on().unwrap();
        assert_eq!(evidence.shards[0].position().seq, 6);
        assert!(evidence.findings.is_empty(), "{:?}", evidence.findings);
        journal::repair_to(&journal, 5).unwrap();
        evidence.read_on().unwrap();
        assert_eq!(evidence.findings.count(Check::DigestMismatches), 1);
    }

    #[test]
    fn a_digest_that_was_shown_and_is_not_met_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let mut evidence = evidence(dir.path());
        let journal = dir.path().join("journal/shard-0");
        let mut writer = journal::open(&Options::new(&journal, ShardId::new(0))).unwrap().writer;
        writer.append(Timestamp::from_nanos(1), &Input::Tick).unwrap();
        let shard = &mut evidence.shards[0];
        let (mut findings, at) = (Findings::default(), Position::new(ShardId::new(0), 1));
        shard.note_shown(at, "0123", &mut findings);
        shard.read_on(&mut BTreeMap::new(), &mut findings).unwrap();
        assert_eq!(findings.count(Check::DigestMismatches), 1);
        let right = shard.replay.digest().to_string();
        let before = findings.clone();
        shard.note_shown(at, &right, &mut findings);
        assert!(findings.since(&before).is_empty());
    }
}
