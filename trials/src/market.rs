//! The strategies' own view of the market: the same feed the node listens to.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use model::{Quote, Symbol};
use node::running::parse_line;

use super::TrialError;

/// The latest quote of each symbol.
pub(crate) struct Market {
    latest: Arc<Mutex<Latest>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Latest {
    quotes: BTreeMap<Symbol, Quote>,
    ended: bool,
}

fn lock(latest: &Mutex<Latest>) -> MutexGuard<'_, Latest> {
    latest.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Market {
    pub(crate) fn connect(address: SocketAddr) -> Result<Self, TrialError> {
        let stream =
            TcpStream::connect(address).map_err(TrialError::io("cannot listen to the broker's quotes"))?;
        stream
            .set_read_timeout(Some(Duration::from_millis(100)))
            .map_err(TrialError::io("cannot listen to the broker's quotes"))?;
        let latest = Arc::new(Mutex::new(Latest::default()));
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let (latest, stop) = (Arc::clone(&latest), Arc::clone(&stop));
            move || listen(stream, &latest, &stop)
        });
        Ok(Self { latest, stop, thread: Some(thread) })
    }

    pub(crate) fn quote(&self, symbol: Symbol) -> Option<Quote> {
        lock(&self.latest).quotes.get(&symbol).copied()
    }

    /// Symbols that are quoted.
    pub(crate) fn symbols(&self) -> Vec<Symbol> {
        lock(&self.latest).quotes.keys().copied().collect()
    }

    /// True once a replayed file is over.
    pub(crate) fn has_ended(&self) -> bool {
        lock(&self.latest).ended
    }
}

impl Drop for Market {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn listen(stream: TcpStream, latest: &Mutex<Latest>, stop: &AtomicBool) {
    let mut lines = BufReader::new(stream);
    let mut line = String::new();
    while !stop.load(Ordering::Acquire) {
        match lines.read_line(&mut line) {
            Ok(0) => break,
            Ok(_) => {
                let text = line.trim_end();
                if text == "#end" {
                    lock(latest).ended = true;
                } else if let Some((symbol, quote)) = parse_line(text) {
                    lock(latest).quotes.insert(symbol, quote);
                }
                line.clear();
            }
            // Half a line stays in `line`.
            Err(error)
                if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    lock(latest).ended = true;
}
