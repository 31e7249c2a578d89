//! The story of an order: as lines for people, as JSON for programs.

use actors::Facts;
use machine::Journalled;
use model::{
    Backlog, CausedBy, Command, Event, ExecutionReport, Input, LimitKind, Origin, OutboundKind, Price, Quote,
    Stamped,
};
use readable::table::grouped;
use serde_json::{Value, json};
use wire::text::Words;

use super::standing::Standing;
use super::why::{Entry, Why};
use front::definitions::limit_value;
use front::directory::Directory;

impl Why {
    /// For programs: one object, exact numbers as texts.
    pub fn json(&self) -> Value {
        json!({
            "order": self.order.map(|order| order.to_string()),
            "account": self.directory.account_name(self.account),
            "symbol": self.instrument().map(|instrument| self.directory.symbol(instrument)),
            "cl_ord_id": self.cl_ord_id,
            "records": self.entries.iter().map(|entry| entry_json(&self.directory, entry)).collect::<Vec<_>>(),
        })
    }

    /// For people: a heading, then some lines for each record.
    pub fn lines(&self) -> Vec<String> {
        let account = self.directory.account_name(self.account);
        let order = self.order.map_or_else(|| "No order".to_owned(), |order| format!("Order {order}"));
        let mut lines = vec![format!("{order}, {} of {account}", self.cl_ord_id)];
        for entry in &self.entries {
            lines.push(String::new());
            lines.push(format!(
                "{}  {}  {}",
                entry.record.position,
                entry.time(),
                heading(&self.directory, entry)
            ));
            lines.extend(details(&self.directory, entry).into_iter().map(|line| format!("    {line}")));
        }
        lines
    }
}

fn entry_json(directory: &Directory, entry: &Entry) -> Value {
    let events = entry.events.iter().map(|event| crate::event::named(directory, event));
    json!({
        "position": entry.record.position.to_string(),
        "time": entry.time().to_string(),
        "incarnation": entry.record.incarnation.count,
        "kind": Input::kind_name(entry.record.kind),
        "input": entry.input(),
        "facts": entry.facts,
        "events": events.collect::<Vec<_>>(),
        "sent": entry.sent,
        "order": entry.standing,
    })
}

fn heading(directory: &Directory, entry: &Entry) -> String {
    let kind = Input::kind_name(entry.record.kind).unwrap_or_default();
    match entry.input() {
        Some(Input::Command { origin, cause, command, .. }) => {
            format!("{}, {}", asked(directory, command, kind), who(origin, cause.as_ref()))
        }
        Some(Input::ExecutionReport(report)) => reported(report),
        Some(Input::CancelReject(reject)) => {
            format!("the broker refuses the request: {} {}", reject.reject_code, reject.text)
        }
        Some(Input::MessageReject(reject)) => {
            format!("the broker refuses the message: {} {}", reject.reject_code, reject.text)
        }
        Some(Input::Session(change)) => {
            format!("session {} is {}", directory.session_name(change.session), change.state.word())
        }
        Some(Input::Opened { incarnation, .. }) => {
            format!("the node started, opening {}: sessions are down", incarnation.count)
        }
        Some(Input::Broken(broken)) => {
            format!("record {} had no effect: {}", broken.position, broken.invariant)
        }
        Some(Input::ClockJumped(jump)) => {
            let by = jump.off_ns() / 1_000_000_000;
            format!("the clock is not trusted: {}, off by {by} s", jump.finding.word())
        }
        Some(Input::Evidence(evidence)) => {
            format!("evidence on {}: {:?}", evidence.request, evidence.delivery)
        }
        _ => kind.to_owned(),
    }
}

/// Who asked, how, and what it follows from where nobody did.
fn who(origin: &Origin, cause: Option<&CausedBy>) -> String {
    let principal =
        if origin.principal == 0 { String::new() } else { format!("principal {}, ", origin.principal) };
    let cause = cause.map_or_else(String::new, |cause| {
        format!(", caused by record {}, consequence {}", cause.position, cause.index)
    });
    let Origin { uid, client, door, .. } = origin;
    format!("by {principal}uid {uid}, client {client} ({}){cause}", door.text())
}

fn asked(directory: &Directory, command: &Command, kind: &str) -> String {
    let at = |price: Option<Price>| price.map_or_else(String::new, |price| format!(" at {price}"));
    match command {
        Command::NewOrder(order) => {
            let symbol = directory.symbol(order.instrument);
            let (kind, price) = (order.order_type, at(order.limit_price));
            let (side, quantity, tif) = (order.side, order.quantity, order.time_in_force);
            format!("submit {side} {quantity} {symbol} {kind}{price} {tif}")
        }
        Command::ReplaceOrder(replace) => {
            format!("replace by {}{}", replace.quantity, at(replace.limit_price))
        }
        _ => kind.to_owned(),
    }
}

fn reported(report: &ExecutionReport) -> String {
    let executed = if report.last_quantity.is_zero() {
        String::new()
    } else {
        format!(", {} at {}", report.last_quantity, report.last_price)
    };
    let again = if report.poss_dup { ", possibly sent before" } else { "" };
    let ids = format!("ExecID {} MsgSeqNum {}{again}", report.exec_id, report.msg_seq_num);
    let text = if report.text.is_empty() { String::new() } else { format!(": {}", report.text) };
    format!("the broker reports {}{executed}, status {} ({ids}){text}", report.exec_type, report.ord_status)
}

fn details(directory: &Directory, entry: &Entry) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(Input::Command {
        stamped, command: Command::NewOrder(_) | Command::ReplaceOrder(_), ..
    }) = entry.input()
    {
        lines.push(quote(stamped.quote.as_ref()));
    }
    if let Some(Input::Command { stamped: Stamped { backlog: Some(backlog), .. }, .. }) = entry.input() {
        let Backlog { waiting, most } = backlog;
        lines.push(format!("no room: {waiting} messages wait for the session's gateway, {most} may"));
    }
    if let Some(facts) = &entry.facts {
        lines.extend(seen(facts));
    }
    lines.extend(entry.events.iter().filter_map(|event| event_line(directory, event)));
    lines.extend(entry.sent.iter().map(|kind| format!("→ sent: {}", sent(kind))));
    lines.extend(entry.standing.as_ref().map(standing));
    if matches!(entry.input(), Some(Input::Tick)) && entry.standing.is_none() {
        lines.push("retired: finished for long, so no longer kept in memory and no longer listed".to_owned());
    }
    lines
}

fn quote(quote: Option<&Quote>) -> String {
    let side = |price: Price, units| {
        if price.is_positive() { format!("{price} ({units})") } else { "none".to_owned() }
    };
    match quote {
        None => "quote: none".to_owned(),
        Some(quote) => format!(
            "quote: bid {}, offer {}, received {}",
            side(quote.bid, quote.bid_quantity),
            side(quote.ask, quote.ask_quantity),
            quote.received
        ),
    }
}

fn seen(facts: &Facts) -> [String; 3] {
    let amount = |amount: Option<model::Amount>| {
        amount.map_or_else(|| "none".to_owned(), |amount| grouped(amount.get(), 0))
    };
    let limit = |kind: LimitKind| {
        let value =
            limit_value(&facts.limits, kind).map_or_else(|| "none".to_owned(), |value| grouped(value, 0));
        format!("{kind} {value}")
    };
    let of_account =
        LimitKind::ALL.into_iter().filter(|kind| *kind != LimitKind::MaxGrossExposure).map(limit);
    let mut limits: Vec<String> = of_account.collect();
    limits.push(format!("max_gross_exposure {}", amount(facts.max_gross_exposure)));
    let session = facts.session.word();
    let halted: Vec<&str> = facts.halted.names().collect();
    let halted = if halted.is_empty() { "nothing".to_owned() } else { halted.join(", ") };
    [
        format!(
            "the gate saw: position {}, open buys {}, open sells {}, available cash {}, gross exposure {}",
            facts.position,
            facts.open_buy,
            facts.open_sell,
            amount(Some(facts.available_cash)),
            amount(Some(facts.gross_exposure))
        ),
        format!("limits: {}", limits.join(", ")),
        format!(
            "session {session}; halted: {halted}{}",
            if facts.clock_suspect { "; the clock is not trusted" } else { "" }
        ),
    ]
}

fn event_line(directory: &Directory, event: &Event) -> Option<String> {
    let text = match event {
        Event::Denied { denial, .. } => format!("denied: {denial}"),
        Event::OrderAccepted { order, .. } => format!("accepted as {order}"),
        Event::OrderExists { order, status } => {
            format!("it is {order} already ({status}): nothing was done again")
        }
        Event::RequestAccepted { request, .. } => format!("the request goes out as {request}"),
        Event::RequestRefused { request, text, .. } => {
            format!("request {request} is over without effect: {text}")
        }
        Event::Executed { quantity, price, fee, realised, currency, settles, .. } => format!(
            "booked {quantity} at {price}, fee {fee} {currency}, realised {realised} {currency}, settles {settles}"
        ),
        Event::ExecutionRepeated { exec_id, .. } => {
            format!("execution {exec_id} came again: not booked again")
        }
        Event::Alert(alert) => {
            let value = alert.value.map_or_else(String::new, |value| format!(" ({value})"));
            format!("alert: {:?}{value}", alert.kind)
        }
        Event::OrderChanged { .. }
        | Event::Opened { .. }
        | Event::SessionChanged { .. }
        | Event::Marked { .. } => {
            return None;
        }
        other => crate::event::named(directory, other).to_string(),
    };
    Some(format!("→ {text}"))
}

fn sent(kind: &OutboundKind) -> String {
    match serde_json::to_value(kind) {
        Ok(Value::Object(fields)) => {
            let name = fields.keys().next().cloned().unwrap_or_default();
            let id = fields.values().find_map(|fields| fields.get("cl_ord_id")).and_then(Value::as_str);
            id.map_or_else(|| name.clone(), |id| format!("{name} {id}"))
        }
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

fn standing(standing: &Standing) -> String {
    let pending = standing.pending.map_or_else(String::new, |kind| format!(", {} pending", kind.word()));
    let doubt = if standing.in_doubt { ", in doubt" } else { "" };
    let missing = standing.missing_quantity.map_or_else(String::new, |units| format!(", {units} missing"));
    let price = standing.limit_price.map_or_else(String::new, |price| format!(", limit {price}"));
    let reserved = if standing.reserved_cash.is_zero() {
        String::new()
    } else {
        format!(", {} reserved", grouped(standing.reserved_cash.get(), 0))
    };
    format!(
        "= {}{pending}{doubt}: {} of {} filled{missing}{price}{reserved}",
        standing.status, standing.cum_quantity, standing.quantity
    )
}
