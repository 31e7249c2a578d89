//! `docs/execution-reports.md` is the expectation: each of its rows goes through the gateway's translation and the core, and
//! what comes of it must be what the row says.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use fix_gateway::{Doubt, SentMessage, SentRecord, SessionSettings, ShardClosed, ShardPort, SteppedSession};
use model::{Certainty, Delivery, ExecType, Input, Name, Outbound, OutboundKind, Position, Quantity, WireId};

use crate::world::{SESSION, World};

const PAGE: &str = include_str!("../../../docs/execution-reports.md");
/// Rows of the page: none is lost to a table that is no longer found.
const AT_LEAST: usize = 90;

/// A shard that keeps what is posted, and an engine without a record.
#[derive(Default)]
struct Posted(Mutex<Vec<Input>>);

impl ShardPort for Posted {
    fn poll_outbound(&self) -> Option<Outbound> {
        None
    }

    fn post(&self, input: Input) -> Result<(), ShardClosed> {
        self.0.lock().unwrap().push(input);
        Ok(())
    }

    fn doubts(&self, _: Position) -> Result<Vec<Doubt>, ShardClosed> {
        Ok(Vec::new())
    }

    fn unanswered(&self, _: Position) -> Result<BTreeSet<WireId>, ShardClosed> {
        Ok(BTreeSet::new())
    }

    fn acknowledged(&self, _: Position) -> Result<BTreeSet<WireId>, ShardClosed> {
        Ok(BTreeSet::new())
    }

    fn inbound_high_water(&self) -> u64 {
        0
    }
}

impl SentRecord for Posted {
    fn which_were_sent(&self, _: &BTreeSet<WireId>) -> io::Result<BTreeSet<WireId>> {
        Ok(BTreeSet::new())
    }

    fn by_seq(&self, _: u64) -> io::Result<Option<SentMessage>> {
        Ok(None)
    }

    fn absence_proves(&self) -> bool {
        false
    }

    fn distrust(&self) -> io::Result<()> {
        Ok(())
    }

    fn trust(&self, _: &BTreeSet<WireId>) -> io::Result<()> {
        Ok(())
    }
}

/// What the gateway makes of a message.
fn translated(message: &str) -> Vec<Input> {
    let posted = Arc::new(Posted::default());
    let settings = SessionSettings::new(SESSION, Name::cut("S1"), "US", "THEM", ("127.0.0.1", 1), "unused");
    let (port, record) = (Arc::<Posted>::clone(&posted), Arc::<Posted>::clone(&posted));
    let session = SteppedSession::new(settings, port, record, Instant::now).unwrap();
    session.inbox().received(message.replace(' ', "\x01").as_bytes());
    std::mem::take(&mut *posted.0.lock().unwrap())
}

/// An order of 100 at 10, as a row begins with it.
struct Case {
    world: World,
    order: WireId,
    request: Option<WireId>,
}

impl Case {
    /// The steps of the first column, one after the other.
    fn of(steps: &str) -> Self {
        let mut world = World::ready();
        let order = world.buy("a", 100, "10");
        let mut case = Self { world, order, request: None };
        steps.split(", ").for_each(|step| case.step(step));
        case
    }

    fn step(&mut self, step: &str) {
        let (id, world) = (self.order, &mut self.world);
        match step {
            "sent" => {}
            "working" => self.hear("150=0 39=0"),
            "canceled" => self.hear("150=4 39=4"),
            "40 filled" => self.hear("150=F 39=1 17=E2 32=40 31=10 14=40"),
            "all filled" => self.hear("150=F 39=2 17=E2 32=100 31=10 14=100"),
            "cancel" => self.request = Some(world.cancel(id)),
            "replace to 200" => self.request = Some(world.replace(id, 200, "10")),
            "replace to 30" => self.request = Some(world.replace(id, 30, "10")),
            "40 missing" => self.hear("150=D 39=1 14=40"),
            "overdue" => world.evidence(self.request.unwrap_or(id), Delivery::Overdue),
            "long overdue" => world.evidence(self.request.unwrap_or(id), Delivery::LongOverdue),
            "down" => world.session(model::SessionState::Down),
            "taken for lost" => {
                world.evidence(id, Delivery::LongOverdue);
                world.evidence(id, Delivery::UnknownToBroker);
            }
            "given up" => {
                let request = self.request.unwrap();
                world.evidence(request, Delivery::LongOverdue);
                world.evidence(request, Delivery::UnknownToBroker);
            }
            other => panic!("no step of an order: {other}"),
        }
    }

    /// The message that a row writes, with what it leaves out.
    fn message(&self, said: &str) -> String {
        let id = |name: &str| match name {
            "A" => self.order.to_string(),
            "R" => self.request.unwrap().to_string(),
            other => other.to_owned(),
        };
        let has = |tag: &str| said.split(' ').any(|field| field.starts_with(tag));
        let mut message = "8=FIX.4.4".to_owned();
        if !has("35=") {
            message.push_str(" 35=8");
        }
        message.push_str(" 34=90");
        for field in said.split(' ') {
            let (tag, value) = field.split_once('=').unwrap();
            match value {
                // Written to say that it is not there.
                "none" => {}
                _ if matches!(tag, "11" | "41" | "790") => write!(message, " {tag}={}", id(value)).unwrap(),
                _ => write!(message, " {field}").unwrap(),
            }
        }
        let cum = self.world.at(self.order).cum_quantity;
        let rest = [("11=", self.order.to_string()), ("37=", "B1".into()), ("17=", "E90".into())];
        let rest =
            rest.into_iter().chain([("55=", "ACME".into()), ("54=", "1".into()), ("14=", cum.to_string())]);
        for (tag, value) in rest.filter(|(tag, _)| !has(tag)) {
            write!(message, " {tag}{value}").unwrap();
        }
        message + " "
    }

    /// Plays it.
    fn hear(&mut self, said: &str) {
        for input in translated(&self.message(said)) {
            self.world.input(input);
        }
    }

    /// Columns 3 to 7 of what the message leads to.
    fn outcome(mut self, said: &str) -> [String; 5] {
        let (position, suspense) = (self.world.position(), self.world.core.suspense().len());
        let inputs = translated(&self.message(said));
        let [input] = inputs.as_slice() else { panic!("{said}: {inputs:?}") };
        self.world.input(input.clone());
        let booked = self.world.position().minus(position).unwrap();
        let kept = self.world.core.suspense().len() > suspense;
        let booked = match (booked.is_zero(), kept) {
            (true, true) => "kept".to_owned(),
            (true, false) => "–".to_owned(),
            (false, _) => plain(booked),
        };
        let order = self.world.at(self.order);
        let mut stands = order.shown_status().to_string();
        if order.certainty == Certainty::InDoubt {
            stands.push_str(", in doubt");
        }
        if let Some(missing) = order.unexplained {
            write!(stands, ", {} missing", plain(missing.quantity)).unwrap();
        }
        let alerts: Vec<String> = self.world.alerts().iter().map(|kind| word(&format!("{kind:?}"))).collect();
        let asked = self.world.last.outbound.first().map(|message| message.kind);
        let asked = match asked {
            Some(OutboundKind::OrderStatusRequest { cl_ord_id, .. }) if cl_ord_id == self.order => "A",
            Some(OutboundKind::OrderStatusRequest { cl_ord_id, .. }) if Some(cl_ord_id) == self.request => {
                "R"
            }
            None => "–",
            Some(other) => panic!("{other:?}"),
        };
        let alerts = if alerts.is_empty() { "–".to_owned() } else { alerts.join(", ") };
        let reserved = self.world.reserved().get().normalize().to_string();
        [booked, stands, reserved, alerts, asked.to_owned()]
    }
}

fn plain(quantity: Quantity) -> String {
    quantity.get().normalize().to_string()
}

/// `ExecutionMissing` as `execution_missing`.
fn word(name: &str) -> String {
    let mut word = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !word.is_empty() {
            word.push('_');
        }
        word.extend(letter.to_lowercase());
    }
    word
}

/// The rows of the page: those whose second cell is a message.
fn rows() -> Vec<Vec<&'static str>> {
    let cells = |line: &'static str| {
        line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect()
    };
    let rows = PAGE.lines().filter(|line| line.starts_with("| ")).map(cells);
    rows.filter(|cells: &Vec<_>| cells.get(1).is_some_and(|said| said.contains('='))).collect()
}

#[test]
fn every_row_of_the_page_is_what_happens() {
    let rows = rows();
    assert!(rows.len() >= AT_LEAST, "{} rows", rows.len());
    let mut wrong = String::new();
    for cells in &rows {
        let [steps, said, .., why] = cells.as_slice() else { panic!("{cells:?}") };
        let outcome = Case::of(steps).outcome(said);
        if cells[2..cells.len() - 1] != outcome {
            writeln!(wrong, "| {steps} | `{said}` | {} | {why} |", outcome.join(" | ")).unwrap();
        }
    }
    assert!(wrong.is_empty(), "what happens is\n{wrong}");
}

/// No type of report and no state of an order is left out.
#[test]
fn every_type_of_report_stands_on_the_page() {
    let said: Vec<&str> = rows().iter().map(|cells| cells[1]).collect();
    for exec_type in ExecType::ALL {
        let field = format!("150={}", exec_type.fix_code());
        let with = said.iter().filter(|said| said.split(' ').any(|said| said == field)).count();
        let least = if matches!(exec_type, ExecType::TradeCorrect | ExecType::TradeCancel) { 1 } else { 2 };
        assert!(with >= least, "{exec_type}: {with} rows");
    }
}
