//! The gateway thread of a session: takes what must leave, sends it, and leads the session through its life.
//!
//! ```text
//!            logged on            Sweep            all settled
//!    Down ─────────────▶ Up ─────────────▶ Sweeping ─────────────▶ Ready
//!      ▲                 │                     │                     │
//!      └─────────────────┴──── logged out ─────┴─────────────────────┘
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use crash_point::{Point, reach};
use model::{
    Delivery, Input, Outbound, OutboundKind, Position, QuarantineCause, SessionChange, SessionState, WireId,
};

use crate::draft::Draft;
use crate::engine::{Inbox, Link, SendOutcome};
use crate::error::Failure;
use crate::health::Health;
use crate::inbox::{Common, Turn};
use crate::incident::Incident;
use crate::outbound;
use crate::port::{Doubt, DoubtKind, ShardClosed};
use crate::settings::{Idle, SessionSettings, Stage};
use crate::sweep::Plan;
use crate::vigil::Await;

/// Outbounds taken in a row before the rest of the loop gets its turn.
const BATCH: usize = 64;

/// A clock.
pub(crate) type Now = Arc<dyn Fn() -> Instant + Send + Sync>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Down,
    Up,
    Sweeping { since: Instant, progress: u64 },
    Ready,
}

/// The gateway thread's state.
pub(crate) struct Desk {
    common: Arc<Common>,
    settings: SessionSettings,
    life: Life,
    /// How often the session went up, and how many of the sweeps this brings have come.
    ups: u64,
    sweeps: u64,
    /// Requests we called never sent, and whether they were sent since. The core may send such a request again, with
    /// the same id; were it still on the ring from before, it would go out twice.
    released: BTreeMap<WireId, bool>,
    draft: Draft,
    now: Now,
    /// Where absence from the record proved nothing when the sweep began: what the record may have lost. Some of it the
    /// broker has spoken of already and it is in no doubt, until the session goes down once more.
    unproven: Option<BTreeSet<WireId>>,
}

impl Desk {
    pub(crate) fn new(common: Arc<Common>, settings: SessionSettings) -> Self {
        Self::with_clock(common, settings, Arc::new(Instant::now))
    }

    /// `now` is the clock that the sweep's patience is measured by.
    pub(crate) fn with_clock(common: Arc<Common>, settings: SessionSettings, now: Now) -> Self {
        Self {
            common,
            settings,
            life: Life::Down,
            ups: 0,
            sweeps: 0,
            released: BTreeMap::new(),
            draft: Draft::new(),
            now,
            unproven: None,
        }
    }

    /// Works until the session shall stop or the shard takes nothing more.
    pub(crate) fn work(&mut self, link: &mut dyn Link) {
        let mut idle_rounds = 0;
        while !self.common.must_stop() {
            match self.round(link) {
                Ok(true) => idle_rounds = 0,
                Ok(false) => {
                    wait(self.settings.idle, idle_rounds);
                    idle_rounds = idle_rounds.saturating_add(1);
                }
                Err(ShardClosed) => return,
            }
        }
    }

    /// One look at everything; true where something was done.
    pub(crate) fn round(&mut self, link: &mut dyn Link) -> Result<bool, ShardClosed> {
        // Before the engine is tended: hanging up may take a second, and meanwhile the core must not believe the
        // session to be up.
        let turned = self.take_turns()?;
        link.tend();
        let sent = self.take_outbound(link)?;
        let swept = self.watch_sweep()?;
        let asked = self.keep_vigil()?;
        Ok(turned || sent || swept || asked)
    }

    /// The engine has stopped: the core must know, whatever the reason.
    pub(crate) fn close(&mut self) {
        if self.go_down().is_err() {
            tracing::info!(session = %self.common.name, "the node stops; the session's end is not journalled");
        }
    }

    fn take_turns(&mut self) -> Result<bool, ShardClosed> {
        let mut any = false;
        while let Some(turn) = self.common.next_turn() {
            any = true;
            match turn {
                Turn::LoggedOn => {
                    self.go_down()?;
                    self.life = Life::Up;
                    self.ups += 1;
                    self.common.set_health(Health::Clearing);
                    self.post_state(SessionState::Up, 0)?;
                }
                Turn::LoggedOut => self.go_down()?,
            }
        }
        Ok(any)
    }

    /// Also after a logon attempt that failed: then there is nothing to tell.
    fn go_down(&mut self) -> Result<(), ShardClosed> {
        if self.life == Life::Down {
            return Ok(());
        }
        self.life = Life::Down;
        self.common.book().abandon();
        self.common.vigil().abandon();
        self.common.set_health(Health::Connecting);
        self.post_state(SessionState::Down, 0)
    }

    fn post_state(&self, state: SessionState, unresolved: u32) -> Result<(), ShardClosed> {
        tracing::info!(session = %self.common.name, ?state, unresolved, "session");
        self.common.post(Input::Session(SessionChange { session: self.common.session, state, unresolved }))
    }

    fn take_outbound(&mut self, link: &mut dyn Link) -> Result<bool, ShardClosed> {
        let mut any = false;
        for _ in 0..BATCH {
            let Some(outbound) = self.common.port.poll_outbound() else { break };
            any = true;
            self.probe(outbound.position, Stage::Taken);
            match outbound.kind {
                OutboundKind::Sweep => self.begin_sweep(outbound.position, link)?,
                OutboundKind::OrderStatusRequest { .. } => self.ask_once(&outbound, link),
                _ => self.dispatch(&outbound, link)?,
            }
            if self.common.must_stop() {
                break;
            }
        }
        Ok(any)
    }

    fn dispatch(&mut self, outbound: &Outbound, link: &mut dyn Link) -> Result<(), ShardClosed> {
        let Some(request) = outbound::translate(outbound, self.settings.handl_inst, &mut self.draft) else {
            return Ok(());
        };
        if self.released.get(&request) == Some(&true) {
            tracing::warn!(session = %self.common.name, %request, "request is out already; its second copy is dropped");
            return Ok(());
        }
        reach(Point::FixTaken);
        let outcome = self.send(request, outbound, link);
        match outcome {
            SendOutcome::Sent { .. } => {
                reach(Point::FixSent);
                self.probe(outbound.position, Stage::Sent);
                if let Some(sent) = self.released.get_mut(&request) {
                    *sent = true;
                }
            }
            SendOutcome::NotSent => self.post_never_sent(request)?,
            SendOutcome::Unclear => self.common.failed(Failure::NotRecorded),
        }
        Ok(())
    }

    fn send(&self, request: WireId, outbound: &Outbound, link: &mut dyn Link) -> SendOutcome {
        if self.life == Life::Down {
            return SendOutcome::NotSent;
        }
        let what = match outbound.kind {
            OutboundKind::NewOrderSingle { .. } => Await::Order,
            _ => Await::Request,
        };
        self.common.vigil().begin(request, what, (self.now)(), self.settings.answer_timeout);
        let outcome = link.send(&self.draft);
        if outcome == SendOutcome::NotSent {
            self.common.vigil().end(request);
        }
        outcome
    }

    /// What is not answered in time, the core asks the broker about. Before the session is ready the sweep does.
    fn keep_vigil(&self) -> Result<bool, ShardClosed> {
        if self.life != Life::Ready {
            return Ok(false);
        }
        let due = self.common.vigil().due((self.now)(), self.settings.answer_timeout);
        for (request, delivery) in &due {
            tracing::warn!(session = %self.common.name, %request, ?delivery, "the broker has not answered");
            self.common.post_evidence(*request, *delivery)?;
        }
        Ok(!due.is_empty())
    }

    /// A question of the core's. One that does not leave needs no word: the next logon's sweep asks it.
    fn ask_once(&mut self, outbound: &Outbound, link: &mut dyn Link) {
        let asked = outbound::translate(outbound, self.settings.handl_inst, &mut self.draft);
        let Some(asked) = asked.filter(|_| self.life != Life::Down) else { return };
        self.common.vigil().begin(asked, Await::Question, (self.now)(), self.settings.answer_timeout);
        if link.send(&self.draft) == SendOutcome::Unclear {
            self.common.failed(Failure::NotRecorded);
        }
    }

    fn post_never_sent(&mut self, request: WireId) -> Result<(), ShardClosed> {
        self.released.insert(request, false);
        self.common.post_evidence(request, Delivery::NeverSent)
    }

    fn probe(&self, position: Position, stage: Stage) {
        if let Some(probe) = &self.settings.probe {
            probe(position, stage, Instant::now());
        }
    }

    /// Each logon brings one sweep. One that an earlier logon brought is void: the session went down since. Should one
    /// from before this gateway's time come after its logon, two sweeps are run: the second finds what is left.
    fn begin_sweep(&mut self, position: Position, link: &mut dyn Link) -> Result<(), ShardClosed> {
        if self.ups == 0 {
            return Ok(());
        }
        self.sweeps += 1;
        if self.life == Life::Down || self.sweeps < self.ups {
            return Ok(());
        }
        reach(Point::SweepBegun);
        let doubts = self.common.port.doubts(position)?;
        let plan = self.plan(position, &doubts)?;
        tracing::info!(
            session = %self.common.name,
            doubts = doubts.len(),
            never_sent = plan.never_sent.len(),
            questions = plan.questions.len(),
            "sweep"
        );
        for request in &plan.never_sent {
            self.post_never_sent(*request)?;
            reach(Point::SweepMid);
        }
        self.ask(&plan, link);
        reach(Point::SweepAsked);
        self.life = Life::Sweeping { since: (self.now)(), progress: 0 };
        Ok(())
    }

    fn plan(&mut self, at: Position, doubts: &[Doubt]) -> Result<Plan, ShardClosed> {
        self.unproven = None;
        if doubts.is_empty() && self.common.record.absence_proves() {
            return Ok(Plan::default());
        }
        let wanted: BTreeSet<_> = doubts.iter().map(|doubt| doubt.request).collect();
        let acknowledged = self.common.port.acknowledged(at)?;
        let sent = match self.common.record.which_were_sent(&wanted.union(&acknowledged).copied().collect()) {
            Ok(sent) => sent,
            Err(error) => {
                // A record that cannot be read proves nothing: the broker is asked about everything.
                tracing::error!(session = %self.common.name, %error, "the record of sent messages cannot be read");
                return Ok(Plan::of(doubts, &wanted, false));
            }
        };
        self.question_record(&acknowledged, &sent);
        let proves = self.common.record.absence_proves();
        if !proves {
            let mut unproven = self.common.port.unanswered(at)?;
            unproven.extend(acknowledged);
            self.unproven = Some(unproven);
        }
        Ok(Plan::of(doubts, &sent, proves))
    }

    /// The journal is a second witness of what was sent: the broker has spoken of these requests, so a record without
    /// them is an older copy, or has lost some.
    fn question_record(&self, acknowledged: &BTreeSet<WireId>, sent: &BTreeSet<WireId>) {
        let mut missing = acknowledged.difference(sent).peekable();
        if missing.peek().is_none() || !self.common.record.absence_proves() {
            return;
        }
        let ids: Vec<String> = missing.map(WireId::to_string).collect();
        let raw = ids.join("\n").into_bytes();
        self.common.noticed(Incident { cause: QuarantineCause::RecordIncomplete, number: 0, raw });
    }

    /// The questions are booked before they go out: an answer may come at once.
    fn ask(&mut self, plan: &Plan, link: &mut dyn Link) {
        self.common.book().open(&plan.questions);
        for (asked, doubts) in &plan.questions {
            let Some(doubt) = doubts.first() else { continue };
            self.watch(doubts);
            outbound::status_request(doubt, *asked, &mut self.draft);
            match link.send(&self.draft) {
                SendOutcome::Sent { .. } => {}
                // Logged out meanwhile: the next logon brings the next sweep.
                SendOutcome::NotSent => return,
                SendOutcome::Unclear => return self.common.failed(Failure::NotRecorded),
            }
        }
    }

    /// What the sweep leaves unanswered, or the broker still works on, is watched like what was sent just now.
    fn watch(&self, doubts: &[Doubt]) {
        let (now, mut vigil) = ((self.now)(), self.common.vigil());
        for doubt in doubts {
            let what = match doubt.kind {
                DoubtKind::NewOrder => Await::Order,
                DoubtKind::Cancel | DoubtKind::Replace => Await::Request,
                DoubtKind::Execution => Await::Question,
            };
            vigil.begin(doubt.request, what, now, self.settings.answer_timeout);
        }
    }

    fn watch_sweep(&mut self) -> Result<bool, ShardClosed> {
        let Life::Sweeping { since, progress } = self.life else { return Ok(false) };
        let (waiting, now) = {
            let book = self.common.book();
            (book.waiting(), book.progress())
        };
        if waiting == 0 {
            return self.finish_sweep().map(|()| true);
        }
        if now != progress {
            self.life = Life::Sweeping { since: (self.now)(), progress: now };
            return Ok(true);
        }
        if (self.now)().saturating_duration_since(since) < self.settings.sweep_timeout {
            return Ok(false);
        }
        let unanswered = self.common.book().unanswered();
        tracing::warn!(session = %self.common.name, questions = unanswered.len(), "the broker did not answer in time");
        for answered in &unanswered {
            self.common.give_up(answered)?;
        }
        Ok(true)
    }

    fn finish_sweep(&mut self) -> Result<(), ShardClosed> {
        // A logout since the last look makes the sweep void.
        if self.take_turns()? && !matches!(self.life, Life::Sweeping { .. }) {
            return Ok(());
        }
        reach(Point::SweepSettled);
        let unresolved = self.common.book().unresolved();
        if unresolved == 0
            && let Some(unproven) = self.unproven.take()
            && let Err(error) = self.common.record.trust(&unproven)
        {
            tracing::error!(session = %self.common.name, %error, "the record's state cannot be noted");
        }
        self.life = Life::Ready;
        self.common.set_health(Health::Ready);
        self.post_state(SessionState::Ready, unresolved)
    }
}

fn wait(idle: Idle, rounds: u32) {
    match idle {
        Idle::Spin => std::hint::spin_loop(),
        Idle::Park { spins, .. } if rounds < spins => std::hint::spin_loop(),
        Idle::Park { spins, yields, .. } if rounds < spins.saturating_add(yields) => std::thread::yield_now(),
        Idle::Park { park, .. } => std::thread::sleep(park),
    }
}

#[cfg(test)]
#[path = "desk_tests.rs"]
mod tests;
