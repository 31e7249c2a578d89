//! The way in: start a session, look at its health, stop it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use crate::desk::Desk;
use crate::engine::{Inbox, SessionEngine};
use crate::error::{EngineError, Failure, GatewayError};
use crate::health::{Health, HealthSince};
use crate::inbox::Common;
use crate::port::ShardPort;
use crate::settings::{EngineKind, SessionSettings};

/// Starts sessions.
#[derive(Debug)]
pub struct Session;

impl Session {
    /// Starts a session with the engine its settings name. Returns as soon as the engine tries to connect; whether
    /// it is logged on the shard learns as an input.
    pub fn start(
        settings: SessionSettings,
        port: Arc<dyn ShardPort>,
    ) -> Result<RunningSession, GatewayError> {
        settings.check()?;
        match settings.engine {
            #[cfg(feature = "quickfix")]
            EngineKind::QuickFix => {
                let engine = crate::quickfix::QuickFixEngine::prepare(&settings, port.inbound_high_water())?;
                Self::start_with(settings, Box::new(engine), port)
            }
            #[cfg(not(feature = "quickfix"))]
            EngineKind::QuickFix => {
                let session = settings.name.to_string();
                drop((settings, port));
                Err(GatewayError::EngineNotBuilt { session })
            }
        }
    }

    /// Starts a session with an engine of the caller's.
    pub fn start_with(
        settings: SessionSettings,
        engine: Box<dyn SessionEngine>,
        port: Arc<dyn ShardPort>,
    ) -> Result<RunningSession, GatewayError> {
        settings.check()?;
        let name = settings.name.to_string();
        let common = Arc::new(Common::new(settings.id, name.clone(), port, engine.sent_record()));
        let (started, start) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name(format!("fix-{name}"))
            .spawn({
                let common = Arc::clone(&common);
                move || run(&common, settings, engine, &started)
            })
            .map_err(|error| GatewayError::Thread {
                session: name.clone(),
                problem: format!("cannot start: {error}"),
            })?;
        let running = RunningSession { name, common, thread: Some(thread) };
        match start.recv() {
            Ok(Ok(())) => Ok(running),
            Ok(Err(source)) => Err(GatewayError::Engine { session: running.name.clone(), source }),
            Err(_) => {
                let problem = "died while starting".to_owned();
                Err(GatewayError::Thread { session: running.name.clone(), problem })
            }
        }
    }
}

/// A session that runs. Dropping it stops it.
pub struct RunningSession {
    name: String,
    common: Arc<Common>,
    thread: Option<JoinHandle<()>>,
}

impl RunningSession {
    /// How the session does.
    pub fn health(&self) -> Health {
        self.common.health()
    }

    /// How it does; while it is down, why, and since when.
    pub fn standing(&self) -> HealthSince {
        self.common.standing()
    }

    /// A look at the session that whoever has it need not ask for.
    pub fn monitor(&self) -> SessionMonitor {
        SessionMonitor(Arc::clone(&self.common))
    }

    /// The session's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Logs out, tells the shard that the session is down, and waits until all is done: a few seconds at most.
    pub fn stop(mut self) -> Result<(), GatewayError> {
        self.join()
    }

    fn join(&mut self) -> Result<(), GatewayError> {
        self.common.ask_to_stop();
        let Some(thread) = self.thread.take() else { return Ok(()) };
        thread
            .join()
            .map_err(|_| GatewayError::Thread { session: self.name.clone(), problem: "died".to_owned() })
    }
}

/// Shows how a session does, also while somebody else starts or stops it.
#[derive(Clone)]
pub struct SessionMonitor(Arc<Common>);

impl SessionMonitor {
    /// How it does; while it is down, why, and since when.
    pub fn standing(&self) -> HealthSince {
        self.0.standing()
    }
}

impl std::fmt::Debug for SessionMonitor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SessionMonitor").field(&self.standing()).finish()
    }
}

impl Drop for RunningSession {
    fn drop(&mut self) {
        if let Err(error) = self.join() {
            tracing::error!(%error, "session");
        }
    }
}

impl std::fmt::Debug for RunningSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunningSession")
            .field("name", &self.name)
            .field("health", &self.health())
            .finish_non_exhaustive()
    }
}

/// The gateway thread from start to end.
fn run(
    common: &Arc<Common>,
    settings: SessionSettings,
    engine: Box<dyn SessionEngine>,
    started: &SyncSender<Result<(), EngineError>>,
) {
    let mut desk = Desk::new(Arc::clone(common), settings);
    let inbox: Arc<dyn Inbox> = Arc::<Common>::clone(common);
    let mut was_started = false;
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        engine.run(inbox, &mut |link| {
            was_started = true;
            // Nobody waits for it any more only if `start` itself is gone.
            let _ = started.send(Ok(()));
            let worked = catch_unwind(AssertUnwindSafe(|| desk.work(link)));
            if let Err(panic) = worked {
                common.failed(Failure::panicked("the gateway thread", panic.as_ref()));
            }
        })
    }));
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(error)) if was_started => common.failed(Failure::Engine(error.to_string())),
        Ok(Err(error)) => {
            let _ = started.send(Err(error));
            return;
        }
        Err(panic) => common.failed(Failure::panicked("the engine", panic.as_ref())),
    }
    // Tells the shard, whatever happened: a session that is gone must not look ready.
    let closed = catch_unwind(AssertUnwindSafe(|| desk.close()));
    if let Err(panic) = closed {
        common.failed(Failure::panicked("the gateway thread", panic.as_ref()));
    }
    common.set_health(Health::Stopped);
}
