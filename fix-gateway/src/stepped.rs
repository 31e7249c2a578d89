//! A session without a thread: whoever has it runs the rounds of the gateway thread, and tells what its engine would
//! tell. A simulation makes the order of all that part of its seed.

use std::sync::Arc;
use std::time::Instant;

use crate::desk::Desk;
use crate::engine::{Inbox, Link, SentRecord};
use crate::error::GatewayError;
use crate::health::{Health, HealthSince};
use crate::inbox::Common;
use crate::port::{ShardClosed, ShardPort};
use crate::settings::SessionSettings;

/// A session whose owner takes its steps.
pub struct SteppedSession {
    common: Arc<Common>,
    desk: Desk,
}

impl SteppedSession {
    /// A session that is not logged on. `record` is its engine's, `now` the clock of its patience.
    pub fn new(
        settings: SessionSettings,
        port: Arc<dyn ShardPort>,
        record: Arc<dyn SentRecord>,
        now: impl Fn() -> Instant + Send + Sync + 'static,
    ) -> Result<Self, GatewayError> {
        settings.check()?;
        let common = Arc::new(Common::new(settings.id, settings.name.to_string(), port, record));
        let desk = Desk::with_clock(Arc::clone(&common), settings, Arc::new(now));
        Ok(Self { common, desk })
    }

    /// Where the engine tells what happens.
    pub fn inbox(&self) -> &dyn Inbox {
        &*self.common
    }

    /// One look at everything, as the gateway's thread does again and again; true where something was done. After
    /// [`ShardClosed`], also where the session has failed, there are no more.
    pub fn round(&mut self, link: &mut dyn Link) -> Result<bool, ShardClosed> {
        if self.common.must_stop() { Err(ShardClosed) } else { self.desk.round(link) }
    }

    /// How the session does.
    pub fn health(&self) -> Health {
        self.common.health()
    }

    /// How it does; while it is down, why, and since when.
    pub fn standing(&self) -> HealthSince {
        self.common.standing()
    }
}

impl std::fmt::Debug for SteppedSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SteppedSession").field("health", &self.health()).finish_non_exhaustive()
    }
}
