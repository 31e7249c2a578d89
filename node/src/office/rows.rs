//! Rows of the office's state, a page at a time.

use model::{CashMoveKind, Origin, Position, Timestamp};
use office::alerts::RaisedAlert;
use office::approvals::{ApprovalRequest, ApprovalStanding, MoveResult};
use office::config_history::{ConfigChange, ConfigChangeKind, InForce};
use wire::{
    AlertRow, Answer, ApprovalRow, ConfigChangeRow, ConfigRow, OfficeFilter, OfficePage, Request, Status,
    WhoRow,
};

use super::OfficeBooks;
use front::directory::Directory;

/// A page ends with the row that brings it over this: it must fit a frame, whatever texts are in it.
const PAGE_BYTES: usize = 256 * 1024;

impl OfficeBooks<'_> {
    /// The answer to a listing; `None` for what is none of the office's.
    pub(crate) fn answer(&self, directory: &Directory, request: &Request) -> Option<Answer> {
        Some(match request {
            Request::ConfigHistory(filter) => Answer::ConfigHistory(self.configs(filter)),
            Request::Alerts(filter) => Answer::Alerts(self.alerts(filter)),
            Request::Approvals(filter) => Answer::Approvals(self.approvals(directory, filter)),
            _ => return None,
        })
    }

    /// How much of it somebody has to look at.
    pub(crate) fn stand(&self, status: &mut Status) {
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        status.open_alerts = count(self.office.alerts().count_open());
        status.waiting_approvals = count(self.office.approvals().count_waiting());
    }

    /// Configurations that came into force.
    pub(crate) fn configs(&self, filter: &OfficeFilter) -> OfficePage<ConfigRow> {
        let rows = self.office.config_history().rows().map(|row| (row.number, row));
        let len_bytes =
            |row: &InForce| row.changes.iter().map(|change| change.text.len() + 40).sum::<usize>();
        self.page(filter, rows, len_bytes, config_row)
    }

    /// Alerts.
    pub(crate) fn alerts(&self, filter: &OfficeFilter) -> OfficePage<AlertRow> {
        let wanted = |alert: &&RaisedAlert| !filter.open || alert.acknowledgement.is_none();
        let rows = self.office.alerts().all().filter(wanted).map(|alert| (alert.number, alert));
        self.page(filter, rows, |alert| alert.text.len() + alert.subject.len(), alert_row)
    }

    /// Requests for an approval.
    pub(crate) fn approvals(&self, directory: &Directory, filter: &OfficeFilter) -> OfficePage<ApprovalRow> {
        let wanted = |request: &&ApprovalRequest| !filter.open || !request.standing.has_ended();
        let rows = self.office.approvals().all().filter(wanted).map(|request| (request.number, request));
        self.page(filter, rows, |_| 0, |request| approval_row(directory, request))
    }

    /// Every alert that nobody has acknowledged.
    pub(crate) fn open_alerts(&self) -> Vec<AlertRow> {
        self.office.alerts().open().map(alert_row).collect()
    }

    /// Every request that waits for a person or for its shard.
    pub(crate) fn open_approvals(&self, directory: &Directory) -> Vec<ApprovalRow> {
        let open = self.office.approvals().all().filter(|request| !request.standing.has_ended());
        open.map(|request| approval_row(directory, request)).collect()
    }

    fn page<'r, T: 'r, R>(
        &self,
        filter: &OfficeFilter,
        rows: impl Iterator<Item = (u64, &'r T)>,
        len_bytes: impl Fn(&T) -> usize,
        row: impl Fn(&T) -> R,
    ) -> OfficePage<R> {
        let mut page = OfficePage { rows: Vec::new(), next: None, at: self.position };
        let (mut last, mut bytes) = (0, 0);
        for (number, of) in rows.filter(|(number, _)| *number > filter.after.unwrap_or(0)) {
            if page.rows.len() == filter.page_len() || bytes > PAGE_BYTES {
                page.next = Some(last);
                break;
            }
            page.rows.push(row(of));
            (last, bytes) = (number, bytes + len_bytes(of));
        }
        page
    }
}

fn who(origin: &Origin, time: Timestamp) -> WhoRow {
    WhoRow {
        principal: origin.principal,
        uid: origin.uid,
        door: origin.door.text().to_owned(),
        time: time.to_string(),
    }
}

/// A configuration's row.
pub(crate) fn config_row(row: &InForce) -> ConfigRow {
    let change = |change: &ConfigChange| ConfigChangeRow {
        kind: match change.kind {
            ConfigChangeKind::Written => "written",
            ConfigChangeKind::Applied => "applied",
            ConfigChangeKind::Left => "left",
        }
        .to_owned(),
        text: change.text.clone(),
    };
    ConfigRow {
        number: row.number,
        position: row.position,
        by: who(&row.origin, row.time),
        digest: row.digest.iter().fold(String::new(), |digits, byte| digits + &format!("{byte:02x}")),
        len_bytes: row.len_bytes,
        changes: row.changes.iter().map(change).collect(),
        more_changes: row.more_changes,
    }
}

fn alert_row(alert: &RaisedAlert) -> AlertRow {
    let seen = alert.acknowledgement.as_ref();
    AlertRow {
        number: alert.number,
        kind: alert.kind.to_string(),
        subject: alert.subject.clone(),
        text: alert.text.clone(),
        times: alert.times,
        first: alert.first.to_string(),
        last: alert.last.to_string(),
        position: alert.position,
        acknowledged: seen.map(|seen| who(&seen.origin, seen.time)),
        word: seen.map(|seen| seen.word.clone()),
    }
}

/// Where a request stands: the word, who decided, why, and the shard's record.
type StandingRow = (&'static str, Option<WhoRow>, Option<String>, Option<Position>);

fn stands(standing: &ApprovalStanding) -> StandingRow {
    match standing {
        ApprovalStanding::Waiting => ("waiting", None, None, None),
        ApprovalStanding::Approved { by, time, .. } => ("approved", Some(who(by, *time)), None, None),
        ApprovalStanding::CarriedOut { by, time, at, result: MoveResult::Booked } => {
            ("booked", Some(who(by, *time)), None, Some(*at))
        }
        ApprovalStanding::CarriedOut { by, time, at, result: MoveResult::Denied(number) } => {
            ("denied", Some(who(by, *time)), Some(denial(*number)), Some(*at))
        }
        ApprovalStanding::Refused { by, time, word } => {
            ("refused", Some(who(by, *time)), Some(word.clone()), None)
        }
        ApprovalStanding::Expired { .. } => ("expired", None, None, None),
    }
}

/// The shard's reason, in words.
fn denial(number: u16) -> String {
    let known = model::DenyReason::ALL.iter().find(|reason| reason.number() == number);
    known.map_or_else(
        || number.to_string(),
        |reason| format!("{number} {}: {}", reason.field(), reason.text()),
    )
}

/// Where a request stands, in one word.
pub(crate) fn standing_word(request: &ApprovalRequest) -> &'static str {
    stands(&request.standing).0
}

fn approval_row(directory: &Directory, request: &ApprovalRequest) -> ApprovalRow {
    let cash_move = &request.asked.cash_move;
    let (standing, decided, word, position) = stands(&request.standing);
    ApprovalRow {
        number: request.number,
        what: match cash_move.kind {
            CashMoveKind::Deposit => "deposit",
            CashMoveKind::Withdrawal => "withdraw",
        }
        .to_owned(),
        account: directory.account_name(cash_move.account),
        amount: cash_move.money.amount,
        currency: cash_move.money.currency,
        reference: cash_move.reference,
        asked: who(&request.origin, request.time),
        expires: request.expires.to_string(),
        standing: standing.to_owned(),
        decided,
        word,
        position,
    }
}
