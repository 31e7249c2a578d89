//! The broker sessions of a node: started together, tended by the control plane, stopped before the shards.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix::{Actor, AsyncContext, Context, Supervised};
use fix_gateway::{GatewayError, Health, RunningSession, Session, SessionSettings, ShardPort};

/// How often sessions are looked at.
const ROUND: Duration = Duration::from_millis(500);
/// The first pause before a failed session is started again; doubled each time, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Every session of the node. Clones are the same ones.
#[derive(Clone, Default)]
pub(crate) struct Sessions {
    kept: Arc<Mutex<Vec<Kept>>>,
}

struct Kept {
    settings: SessionSettings,
    port: Arc<dyn ShardPort>,
    running: Option<RunningSession>,
    failures: u32,
    not_before: Instant,
}

impl Sessions {
    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts one more session. A broker that is down is no error: the engine tries on.
    pub(crate) fn start(
        &self,
        settings: SessionSettings,
        port: Arc<dyn ShardPort>,
    ) -> Result<(), GatewayError> {
        let running = Session::start(settings.clone(), Arc::clone(&port))?;
        let not_before = Instant::now();
        self.kept().push(Kept { settings, port, running: Some(running), failures: 0, not_before });
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
                let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(6)).min(LONGEST_PAUSE);
                tracing::error!(session = %self.settings.name, %failure, ?pause, "a session failed; starting it again");
                self.failures += 1;
                self.running = None;
                self.not_before = Instant::now() + pause;
            }
            Some(Health::Ready) => self.failures = 0,
            None if Instant::now() >= self.not_before => self.start_again(),
            _ => {}
        }
    }

    fn start_again(&mut self) {
        match Session::start(self.settings.clone(), Arc::clone(&self.port)) {
            Ok(running) => self.running = Some(running),
            Err(error) => {
                tracing::error!(session = %self.settings.name, %error, "a session cannot be started");
                self.not_before = Instant::now() + LONGEST_PAUSE;
            }
        }
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
