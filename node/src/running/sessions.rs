//! The broker sessions of a node: started together, tended by the control plane, stopped before the shards.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use actix::{Actor, AsyncContext, Context, Supervised};
use fix_gateway::{
    Backoff, DownReason, GatewayError, Health, HealthSince, RunningSession, Session, SessionMonitor,
    SessionSettings, ShardPort,
};
use model::{Name, Timestamp};

use crate::books::SessionStanding;

/// How often sessions are looked at.
const ROUND: Duration = Duration::from_millis(500);
/// The first pause before a failed session is started again; doubled each time, up to [`LONGEST_PAUSE`]. The same
/// whether it failed while it ran or could not be started.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Every session of the node. Clones are the same ones.
#[derive(Clone, Default)]
pub(crate) struct Sessions {
    kept: Arc<Mutex<Vec<Kept>>>,
    shown: Shown,
}

/// What a query sees of each session. Apart from the sessions themselves: one that is being started keeps those locked.
type Shown = Arc<Mutex<Vec<(Name, ShownSession)>>>;

#[derive(Clone)]
enum ShownSession {
    Running(SessionMonitor),
    Waiting(HealthSince),
}

struct Kept {
    settings: SessionSettings,
    port: Arc<dyn ShardPort>,
    running: Option<RunningSession>,
    backoff: Backoff,
    not_before: Instant,
    /// Since when it has not been started.
    down_since: SystemTime,
    shown: Shown,
}

impl Sessions {
    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How each session does.
    pub(crate) fn standings(&self) -> Vec<SessionStanding> {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let standing = |seen: &ShownSession| match seen {
            ShownSession::Running(monitor) => monitor.standing(),
            ShownSession::Waiting(standing) => standing.clone(),
        };
        shown.iter().map(|(name, seen)| told(*name, &standing(seen))).collect()
    }

    /// Starts one more session. A broker that is down is no error: the engine tries on.
    pub(crate) fn start(
        &self,
        settings: SessionSettings,
        port: Arc<dyn ShardPort>,
    ) -> Result<(), GatewayError> {
        let running = Session::start(settings.clone(), Arc::clone(&port))?;
        let kept = Kept {
            settings,
            port,
            running: Some(running),
            backoff: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
            not_before: Instant::now(),
            down_since: SystemTime::now(),
            shown: Arc::clone(&self.shown),
        };
        kept.show_running();
        self.kept().push(kept);
        Ok(())
    }

    /// Looks after every session once.
    fn tend(&self) {
        for kept in self.kept().iter_mut() {
            kept.tend();
        }
    }

    /// Logs out of every session.
    pub(crate) fn stop(&self) {
        for kept in std::mem::take(&mut *self.kept()) {
            let Some(running) = kept.running else { continue };
            if let Err(error) = running.stop() {
                tracing::error!(session = %kept.settings.name, %error, "a session did not stop cleanly");
            }
        }
    }
}

impl Kept {
    fn tend(&mut self) {
        match self.running.as_ref().map(RunningSession::health) {
            Some(Health::Failed(failure)) => {
                self.down_since = SystemTime::now();
                self.running = None;
                tracing::error!(session = %self.settings.name, %failure, "a session failed; it is started again");
                self.wait(DownReason::Failed(failure));
            }
            Some(Health::Ready) => self.backoff.succeeded(),
            None if Instant::now() >= self.not_before => self.start_again(),
            _ => {}
        }
    }

    fn start_again(&mut self) {
        match Session::start(self.settings.clone(), Arc::clone(&self.port)) {
            Ok(running) => {
                self.running = Some(running);
                self.show_running();
            }
            Err(error) => {
                tracing::error!(session = %self.settings.name, %error, "a session cannot be started");
                self.wait(DownReason::NotStarted(error.to_string()));
            }
        }
    }

    /// Until the next attempt, which is later each time.
    fn wait(&mut self, reason: DownReason) {
        self.not_before = Instant::now() + self.backoff.failed();
        self.show(ShownSession::Waiting(HealthSince::down(reason, self.down_since)));
    }

    fn show_running(&self) {
        if let Some(running) = &self.running {
            self.show(ShownSession::Running(running.monitor()));
        }
    }

    fn show(&self, seen: ShownSession) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        match shown.iter_mut().find(|(name, _)| *name == self.settings.name) {
            Some((_, place)) => *place = seen,
            None => shown.push((self.settings.name, seen)),
        }
    }
}

fn told(session: Name, standing: &HealthSince) -> SessionStanding {
    let since = standing.since.duration_since(UNIX_EPOCH).unwrap_or_default();
    SessionStanding {
        session,
        reason: standing.reason.word(),
        detail: standing.reason.to_string(),
        since: Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)),
    }
}

/// The actor of the control plane that looks after sessions.
pub(crate) struct SessionKeeper(pub(crate) Sessions);

impl Actor for SessionKeeper {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.run_interval(ROUND, |keeper, _| keeper.0.tend());
    }
}

impl Supervised for SessionKeeper {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use fix_gateway::{Doubt, ShardClosed};
    use model::{Input, Outbound, Position, SessionId, WireId};

    use super::*;

    struct NoShard;

    impl ShardPort for NoShard {
        fn poll_outbound(&self) -> Option<Outbound> {
            None
        }

        fn post(&self, _: Input) -> Result<(), ShardClosed> {
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

    /// A session that could not be started yet, since there is a file where its store should be.
    fn stuck(store: &std::path::Path) -> (Sessions, Kept) {
        fs::write(store, "in the way").unwrap();
        let name = Name::new("broker-a").unwrap();
        let settings =
            SessionSettings::new(SessionId::new(1), name, "US-STUCK", "THEM-STUCK", ("127.0.0.1", 1), store);
        let sessions = Sessions::default();
        let kept = Kept {
            settings,
            port: Arc::new(NoShard),
            running: None,
            backoff: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
            not_before: Instant::now(),
            down_since: SystemTime::now(),
            shown: Arc::clone(&sessions.shown),
        };
        (sessions, kept)
    }

    #[test]
    fn a_session_that_cannot_be_started_is_tried_again_soon_and_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store");
        let (sessions, mut kept) = stuck(&store);
        for pause in [1, 2, 4] {
            kept.not_before = Instant::now();
            let before = Instant::now();
            kept.tend();
            let waits = kept.not_before.duration_since(before);
            assert!(
                waits >= Duration::from_secs(pause) && waits < Duration::from_secs(pause * 2),
                "{waits:?} instead of {pause} s"
            );
            let standing = sessions.standings().remove(0);
            assert_eq!(standing.reason, "not_started");
            assert!(standing.detail.contains("cannot create"), "{}", standing.detail);
        }
        fs::remove_file(&store).unwrap();
        kept.not_before = Instant::now();
        kept.tend();
        assert!(kept.running.is_some());
        assert_ne!(sessions.standings().remove(0).reason, "not_started");
    }
}
