//! The broker: it takes orders as text, does with them what a broker may do, in any order, and keeps a log of its own.
//! It knows nothing of the core, not even its words.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write;

use crate::dice::Dice;
use crate::line::Transmission;

/// An order as the broker has it. Quantities in hundredths, prices in ticks of 0.005 or 0.01: as text they came.
#[derive(Clone, Debug)]
pub(crate) struct BrokerOrder {
    /// Its own name for it.
    name: String,
    /// Every `ClOrdID` that stands for it; the last acknowledged one is `current`.
    current: String,
    account: String,
    symbol: String,
    side: String,
    pub(crate) hundredths: i64,
    pub(crate) filled: i64,
    price: i64,
    pub(crate) open: bool,
    acknowledged: bool,
    status: char,
    pending: Option<AskedChange>,
}

#[derive(Clone, Debug)]
struct AskedChange {
    id: String,
    replace: Option<(i64, i64)>,
}

/// An execution in the broker's log.
#[derive(Clone, Debug)]
pub(crate) struct LoggedFill {
    pub(crate) exec_id: String,
    /// The first `ClOrdID` of the order.
    pub(crate) order: String,
    pub(crate) hundredths: i64,
}

/// The broker.
#[derive(Debug)]
pub(crate) struct Broker {
    dice: Dice,
    pub(crate) orders: BTreeMap<String, BrokerOrder>,
    ids: BTreeMap<String, String>,
    pub(crate) log: Vec<LoggedFill>,
    /// What it has to say, in this order.
    pub(crate) to_say: VecDeque<String>,
    said: Vec<String>,
    /// Every order and request it received, to see that none comes twice.
    pub(crate) received: BTreeMap<String, u32>,
    /// It has been quick to answer; slow enough and a sweep gives up.
    pub(crate) unanswered_questions: u64,
    /// Orders and requests that its session took and its application lost.
    pub(crate) lost: u64,
    /// Executions of an order that it counts and has not told: it does so when it is asked.
    untold: Vec<(String, String)>,
    pub(crate) counted_only: u64,
    pub(crate) repeated: u64,
    pub(crate) reordered: u64,
    next: u64,
    /// It behaves from here on: every question is answered, nothing unusual happens.
    pub(crate) calm: bool,
}

/// Text of hundredths.
fn decimal(hundredths: i64) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn thousandths(price: i64) -> String {
    format!("{}.{:03}", price / 1_000, price % 1_000)
}

/// A number as it stands in a message, in whole units of `10^-places`.
fn whole(text: &str, places: u32) -> Option<i64> {
    let (units, rest) = text.split_once('.').unwrap_or((text, ""));
    let rest = rest.trim_end_matches('0');
    let digits = u32::try_from(rest.len()).ok().filter(|digits| *digits <= places)?;
    let fraction: i64 = if rest.is_empty() { 0 } else { rest.parse().ok()? };
    Some(units.parse::<i64>().ok()? * 10_i64.pow(places) + fraction * 10_i64.pow(places - digits))
}

impl BrokerOrder {
    fn leaves(&self) -> i64 {
        if self.open { (self.hundredths - self.filled).max(0) } else { 0 }
    }

    /// A report on it; `head` is what is its own: tags 11, 41, 150, 39 and others.
    fn report(&self, head: &str, exec_id: &str) -> String {
        format!(
            "35=8|37={}|17={exec_id}|{head}|1={}|55={}|54={}|14={}|151={}|",
            self.name,
            self.account,
            self.symbol,
            self.side,
            decimal(self.filled),
            decimal(self.leaves()),
        )
    }
}

impl Broker {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            dice: Dice::new(seed),
            orders: BTreeMap::new(),
            ids: BTreeMap::new(),
            log: Vec::new(),
            to_say: VecDeque::new(),
            said: Vec::new(),
            received: BTreeMap::new(),
            unanswered_questions: 0,
            lost: 0,
            untold: Vec::new(),
            counted_only: 0,
            repeated: 0,
            reordered: 0,
            next: 0,
            calm: false,
        }
    }

    /// A message of ours has arrived.
    pub(crate) fn receive(&mut self, message: &Transmission) {
        let id = message.get(11).unwrap_or_default().to_owned();
        if message.msg_type == b'H' {
            return self.answer(&id);
        }
        let times = self.received.entry(id.clone()).or_default();
        *times += 1;
        if *times > 1 {
            return;
        }
        if !self.calm && self.dice.once_in(20) {
            self.lost += 1;
            return;
        }
        match message.msg_type {
            b'D' => self.take(id, message),
            b'F' => self.take_request(id, message, None),
            b'G' => {
                let terms = message.get(38).and_then(|text| whole(text, 2)).unwrap_or(0);
                let price = message.get(44).and_then(|text| whole(text, 3)).unwrap_or(10_000);
                self.take_request(id, message, Some((terms, price)));
            }
            _ => {}
        }
    }

    fn take(&mut self, id: String, message: &Transmission) {
        let text = |tag: u32| message.get(tag).unwrap_or_default().to_owned();
        self.next += 1;
        let order = BrokerOrder {
            name: format!("B{}", self.next),
            current: id.clone(),
            account: text(1),
            symbol: text(55),
            side: text(54),
            hundredths: message.get(38).and_then(|text| whole(text, 2)).unwrap_or(0),
            filled: 0,
            price: message.get(44).and_then(|text| whole(text, 3)).unwrap_or(10_000),
            open: true,
            acknowledged: false,
            status: 'A',
            pending: None,
        };
        self.orders.insert(id.clone(), order);
        self.ids.insert(id.clone(), id);
    }

    fn take_request(&mut self, id: String, message: &Transmission, replace: Option<(i64, i64)>) {
        let orig = message.get(41).unwrap_or_default();
        let known = self.ids.get(orig).cloned();
        let Some(order) = known.as_ref().and_then(|order| self.orders.get_mut(order)) else {
            let head = if replace.is_some() { "434=2" } else { "434=1" };
            return self.to_say.push_back(format!("35=9|11={id}|41={orig}|37=NONE|39=8|102=1|{head}|"));
        };
        if !order.open || order.pending.is_some() {
            let reason = if order.open { 3 } else { 0 };
            let line =
                format!("35=9|11={id}|41={orig}|37={}|39={}|102={reason}|434=1|", order.name, order.status);
            return self.to_say.push_back(line);
        }
        order.pending = Some(AskedChange { id: id.clone(), replace });
        // It knows an order also by a request it is still working on.
        if let Some(order) = known {
            self.ids.insert(id, order);
        }
    }

    fn exec_id(&mut self) -> String {
        self.next += 1;
        format!("E{}", self.next)
    }

    /// An `OrderStatusRequest`. It is answered with what was said before it, and after that.
    fn answer(&mut self, asked: &str) {
        if !self.calm && self.dice.once_in(25) {
            self.unanswered_questions += 1;
            return;
        }
        let exec_id = self.exec_id();
        if let Some(order) = self.ids.get(asked).cloned() {
            self.tell_untold(|untold| untold == order);
        }
        let Some(order) = self.ids.get(asked).and_then(|order| self.orders.get(order)) else {
            let line =
                format!("35=8|37=NONE|17={exec_id}|11={asked}|790={asked}|150=I|39=8|103=5|54=1|14=0|151=0|");
            return self.to_say.push_back(line);
        };
        let status = match (&order.pending, order.open) {
            (Some(request), true) => {
                if request.replace.is_some() {
                    'E'
                } else {
                    '6'
                }
            }
            _ => order.status,
        };
        let head = format!("11={}|790={asked}|150=I|39={status}", order.current);
        self.to_say.push_back(order.report(&head, &exec_id));
    }

    /// Says something long that nobody understands: it is kept raw, and fills the journal.
    pub(crate) fn ramble(&mut self) {
        let words = usize::try_from(self.dice.between(500, 6_000)).unwrap_or(500);
        self.to_say.push_back(format!("35=B|148=news|58={}|", "so, ".repeat(words)));
    }

    /// Does something with one of its orders; false where none is open.
    pub(crate) fn act(&mut self) -> bool {
        let open: Vec<String> =
            self.orders.iter().filter(|(_, order)| order.open).map(|(id, _)| id.clone()).collect();
        let Some(id) = self.dice.pick(&open).cloned() else { return false };
        let Some(order) = self.orders.get(&id) else { return false };
        let chance = self.dice.below(100);
        match (order.acknowledged, order.pending.is_some()) {
            _ if chance < 5 => self.fill(&id, false),
            (false, _) if chance < 80 => self.acknowledge(&id),
            (false, _) if chance < 90 => self.end(&id, '8', "150=8|39=8|103=0"),
            (_, true) if chance < 75 => self.settle_request(&id),
            (true, _) if chance < 60 => self.fill(&id, chance.is_multiple_of(2)),
            (true, _) if chance < 64 && !self.calm => self.end(&id, '4', "150=4|39=4"),
            (true, _) if chance < 67 && !self.calm => self.end(&id, 'C', "150=C|39=C"),
            (true, _) if chance < 70 && !self.calm => self.unusual(&id),
            _ => {}
        }
        true
    }

    /// Ends what is open, one after the other, so that a history comes to its end.
    pub(crate) fn wind_up(&mut self) -> bool {
        let open = self.orders.iter().find(|(_, order)| order.open).map(|(id, _)| id.clone());
        let Some(id) = open else { return false };
        if self.orders.get(&id).is_some_and(|order| order.pending.is_some()) {
            self.settle_request(&id);
        } else {
            self.end(&id, '4', "150=4|39=4");
        }
        true
    }

    fn say(&mut self, line: String) {
        self.said.push(line.clone());
        self.to_say.push_back(line);
        if self.calm {
            return;
        }
        if self.dice.once_in(30)
            && let Some(earlier) = self.dice.pick(&self.said).cloned()
        {
            // As it was, under a new number.
            self.repeated += 1;
            self.to_say.push_back(format!("{earlier}97=Y|"));
        }
        let len = self.to_say.len();
        if len > 1 && self.dice.once_in(20) {
            self.reordered += 1;
            self.to_say.swap(len - 1, len - 2);
        }
    }

    fn acknowledge(&mut self, id: &str) {
        let exec_id = self.exec_id();
        let Some(order) = self.orders.get_mut(id) else { return };
        order.acknowledged = true;
        order.status = if order.filled > 0 { '1' } else { '0' };
        let line = order.report(&format!("11={}|150=0|39={}", order.current, order.status), &exec_id);
        self.say(line);
    }

    fn fill(&mut self, id: &str, all: bool) {
        let exec_id = self.exec_id();
        let part = self.dice.below(100);
        let Some(order) = self.orders.get_mut(id) else { return };
        let leaves = order.leaves();
        if leaves == 0 {
            return;
        }
        let lot = if order.symbol == "ACME" { 100 } else { 1 };
        let some = leaves * i64::try_from(part).unwrap_or(0) / 100 / lot * lot;
        let quantity = if all || some == 0 { leaves } else { some };
        order.filled += quantity;
        order.acknowledged = true;
        if order.filled == order.hundredths {
            (order.status, order.open) =
                ('2', order.pending.as_ref().is_some_and(|asked| asked.replace.is_some()));
        } else {
            order.status = '1';
        }
        let filled = LoggedFill { exec_id: exec_id.clone(), order: id.to_owned(), hundredths: quantity };
        let mut head = format!("11={}|150=F|39={}", order.current, order.status);
        // Writing to a string does not fail.
        let _ = write!(head, "|32={}|31={}", decimal(quantity), thousandths(order.price));
        let line = order.report(&head, &exec_id);
        self.log.push(filled);
        if !self.calm && self.dice.once_in(15) {
            self.counted_only += 1;
            return self.untold.push((id.to_owned(), line));
        }
        self.say(line);
    }

    /// The orders of which it has counted something only.
    pub(crate) fn orders_with_untold(&self) -> impl Iterator<Item = model::WireId> {
        self.untold.iter().filter_map(|(order, _)| order.parse().ok())
    }

    /// Says what it has counted only; true where there was something.
    pub(crate) fn tell_untold(&mut self, of: impl Fn(&str) -> bool) -> bool {
        let (told, kept) = std::mem::take(&mut self.untold).into_iter().partition(|(order, _)| of(order));
        self.untold = kept;
        let told: Vec<(String, String)> = told;
        let any = !told.is_empty();
        self.to_say.extend(told.into_iter().map(|(_, line)| line));
        any
    }

    fn end(&mut self, id: &str, status: char, head: &str) {
        let exec_id = self.exec_id();
        let Some(order) = self.orders.get_mut(id) else { return };
        let pending = order.pending.take();
        (order.open, order.status) = (false, status);
        let line = order.report(&format!("11={}|{head}", order.current), &exec_id);
        let name = order.name.clone();
        let current = order.current.clone();
        self.say(line);
        if let Some(request) = pending {
            let line = format!("35=9|11={}|41={current}|37={name}|39={status}|102=0|434=1|", request.id);
            self.say(line);
        }
    }

    fn unusual(&mut self, id: &str) {
        let exec_id = self.exec_id();
        let strange = *self
            .dice
            .pick(&["150=D|39=0", "150=B|39=0", "150=Z|39=0", "150=H|39=0"])
            .unwrap_or(&"150=D|39=0");
        let Some(order) = self.orders.get(id) else { return };
        let line = order.report(&format!("11={}|{strange}", order.current), &exec_id);
        self.say(line);
    }

    fn settle_request(&mut self, id: &str) {
        let chance = self.dice.below(100);
        let exec_id = self.exec_id();
        let calm = self.calm;
        let Some(order) = self.orders.get_mut(id) else { return };
        let Some(request) = order.pending.clone() else { return };
        if chance < 15 && !calm {
            // On its way, it says first.
            let code = if request.replace.is_some() { 'E' } else { '6' };
            let line = order
                .report(&format!("11={}|41={}|150={code}|39={code}", request.id, order.current), &exec_id);
            return self.say(line);
        }
        order.pending = None;
        let refused = chance < 35 || request.replace.is_some_and(|(quantity, _)| quantity < order.filled);
        if refused {
            order.open &= order.filled < order.hundredths;
            let line = format!(
                "35=9|11={}|41={}|37={}|39={}|102=2|434=1|",
                request.id, order.current, order.name, order.status
            );
            return self.say(line);
        }
        let orig = std::mem::replace(&mut order.current, request.id.clone());
        let head = if let Some((quantity, price)) = request.replace {
            (order.hundredths, order.price) = (quantity, price);
            order.open = order.filled < quantity;
            order.status = if !order.open {
                '2'
            } else if order.filled > 0 {
                '1'
            } else {
                '0'
            };
            format!("11={}|41={orig}|150=5|39={}", request.id, order.status)
        } else {
            (order.open, order.status) = (false, '4');
            format!("11={}|41={orig}|150=4|39=4", request.id)
        };
        let line = order.report(&head, &exec_id);
        self.say(line);
    }

    /// Every execution of an order, added up, in hundredths.
    pub(crate) fn filled(&self, order: &str) -> i64 {
        self.log.iter().filter(|fill| fill.order == order).map(|fill| fill.hundredths).sum()
    }

    /// The names of all executions.
    pub(crate) fn executions(&self) -> BTreeSet<String> {
        self.log.iter().map(|fill| fill.exec_id.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_stand_in_messages() {
        for (text, places, expected) in [
            ("10", 2, Some(1_000)),
            ("0.5", 2, Some(50)),
            ("10.005", 3, Some(10_005)),
            ("1.50", 2, Some(150)),
        ] {
            assert_eq!(whole(text, places), expected, "{text}");
        }
        assert_eq!(whole("0.001", 2), None);
        assert_eq!((decimal(150), thousandths(10_005)), ("1.50".into(), "10.005".into()));
    }
}
