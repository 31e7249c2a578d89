//! Starting and stopping it all.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use crossbeam::channel::{Receiver, Sender, bounded, unbounded};

use crate::book::{Book, Counts};
use crate::config::{Config, Speed};
use crate::desk::Desk;
use crate::feed::{Feed, Hub};
use crate::log::{Entry, History, Log};
use crate::mailbox::Overflow;
use crate::market::{Driver, Quote, QuoteSource};
use crate::session::{FixSide, Post, fix_dir};
use crate::to_desk::ToDesk;
use crate::{Error, clock, sent};

/// Starts brokers.
#[derive(Clone, Copy, Debug)]
pub struct PaperBroker;

/// A broker at work. Dropped, it stops.
pub struct Running {
    fix: FixSide,
    feed: Feed,
    hub: Arc<Hub>,
    run: u64,
    to_desk: Sender<ToDesk>,
    desk: Option<JoinHandle<Result<(), Error>>>,
    driver: Option<JoinHandle<Result<(), Error>>>,
    /// Dropped, it ends the market.
    market: Option<Sender<()>>,
}

/// Stops a broker from another thread.
#[derive(Clone)]
pub struct Stopper {
    to_desk: Sender<ToDesk>,
}

/// Where a broker stands.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Status {
    /// Its FIX port.
    pub port: u16,
    /// The port of its quote feed.
    pub feed_port: u16,
    /// How often it was started in this directory, this time included.
    pub run: u64,
    /// True once every quote of a file was played.
    pub replay_ended: bool,
    /// What it did.
    pub counts: Counts,
}

/// At speed `max`, the market is at most so many quotes ahead of the desk.
const QUOTES_AHEAD: usize = 256;

impl PaperBroker {
    /// Starts a broker in `config.dir`: reads its log back, opens its ports, and lets the market run.
    pub fn start(config: Config) -> Result<Running, Error> {
        config.check()?;
        let fix_dir = fix_dir(&config.dir);
        std::fs::create_dir_all(&fix_dir).map_err(|source| Error::file(&fix_dir, source))?;
        let (source, symbols) = QuoteSource::open(&config)?;
        let (mut log, history) = Log::open(&config.dir.join("broker.log"))?;
        let run = history.runs().saturating_add(1);
        let unsent = unsent(&config, &history)?;
        log.write(clock::now_utc_ns(), &Entry::Opened { run })?;
        let log = Arc::new(Mutex::new(log));

        let mut said = Vec::new();
        let (now_ns, p) = (clock::now_utc_ns(), &config.personality);
        let book = Book::restored(p, symbols.into_iter().collect(), run, now_ns, &history.entries, &mut said);
        drop(history);

        let hub = Arc::new(Hub::new(overflow(&config)));
        let feed = Feed::start(config.feed_port, Arc::clone(&hub))?;
        let (to_desk, requests) = unbounded();
        let (to_desk_quotes, quotes) = bounded(QUOTES_AHEAD);
        let fix = FixSide::start(&config, &log, &to_desk)?;
        let mut running = Running { fix, feed, hub, run, to_desk, desk: None, driver: None, market: None };
        running.start_market(&config, source, to_desk_quotes)?;
        running.desk = Some(spawn("broker-desk", move || {
            let post = Post::new(&config.sessions)?;
            let mut desk = Desk::new(book, log, post, &config.personality, (requests, quotes));
            desk.wake(said, unsent)?;
            desk.run()
        })?);
        tracing::info!(port = running.port(), feed_port = running.feed_port(), run, "the paper broker is up");
        Ok(running)
    }
}

/// What the log says was said, but QuickFIX never stored.
fn unsent(config: &Config, history: &History) -> Result<Vec<Entry>, Error> {
    let mut sent = HashSet::new();
    for session in &config.sessions {
        sent.extend(sent::sent_keys(&fix_dir(&config.dir), session)?);
    }
    Ok(history.unsent(&sent))
}

fn overflow(config: &Config) -> Overflow {
    if is_max(config) { Overflow::Wait } else { Overflow::Conflate }
}

fn is_max(config: &Config) -> bool {
    config.market.quotes.is_some() && config.market.speed == Speed::Max
}

fn spawn<T: Send + 'static>(
    name: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, Error> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map_err(|_| Error::Thread(name))
}

impl Running {
    fn start_market(
        &mut self,
        config: &Config,
        source: QuoteSource,
        desk: Sender<Quote>,
    ) -> Result<(), Error> {
        let (market, stop): (Sender<()>, Receiver<()>) = bounded(1);
        let wanted_clients = config.market.wait_for_feed_clients.unwrap_or(usize::from(is_max(config)));
        let driver = Driver { source, hub: Arc::clone(&self.hub), desk, stop, wanted_clients };
        self.market = Some(market);
        self.driver = Some(spawn("broker-market", move || {
            driver.run().inspect_err(|error| tracing::error!(%error, "the market ended"))
        })?);
        Ok(())
    }

    /// The FIX port.
    pub const fn port(&self) -> u16 {
        self.fix.port()
    }

    /// The port of the quote feed.
    pub const fn feed_port(&self) -> u16 {
        self.feed.port()
    }

    /// The address of the FIX port.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port()))
    }

    /// Where it stands.
    pub fn status(&self) -> Result<Status, Error> {
        let (answer, answered) = bounded(1);
        let asked = self.to_desk.send(ToDesk::Count(answer)).is_ok();
        let counts = answered.recv().ok().filter(|_| asked).ok_or(Error::Thread("broker-desk"))?;
        let replay_ended = self.hub.is_ended();
        Ok(Status { port: self.port(), feed_port: self.feed_port(), run: self.run, replay_ended, counts })
    }

    /// Something that can stop it while another thread waits.
    pub fn stopper(&self) -> Stopper {
        Stopper { to_desk: self.to_desk.clone() }
    }

    /// Waits until it is stopped by a [`Stopper`], or cannot go on.
    pub fn wait(mut self) -> Result<(), Error> {
        self.end()
    }

    /// Sends what waits to be sent, logs out and ends.
    pub fn stop(mut self) -> Result<(), Error> {
        self.stopper().stop();
        self.end()
    }

    /// The desk first, so that nobody sends any more when QuickFIX ends.
    fn end(&mut self) -> Result<(), Error> {
        let desk = join("broker-desk", self.desk.take());
        drop(self.market.take());
        self.hub.close();
        let fix = self.fix.stop();
        let driver = join("broker-market", self.driver.take());
        desk.and(fix).and(driver)
    }
}

fn join(name: &'static str, thread: Option<JoinHandle<Result<(), Error>>>) -> Result<(), Error> {
    thread.map_or(Ok(()), |thread| thread.join().map_err(|_| Error::Thread(name))?)
}

impl Stopper {
    /// Asks the broker to stop; does nothing if it has.
    pub fn stop(&self) {
        let _ = self.to_desk.send(ToDesk::Stop);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stopper().stop();
        if let Err(error) = self.end() {
            tracing::error!(%error, "the paper broker ended badly");
        }
    }
}
