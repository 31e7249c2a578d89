//! Market data: a thread reads quote lines from a TCP server and hands them to every shard.
//!
//! Nothing is dropped here: while a shard's ring is full the thread waits, and the server feels it.

use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpStream};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use actors::Core;
use engine::{FactSender, Refused};
use front::live::LiveDirectory;
use model::{InstrumentId, Quote, Symbol, Timestamp};

/// The columns of a line.
pub const COLUMNS: &str = "ts_utc_ns,symbol,bid,bid_qty,ask,ask_qty";
/// How long to wait before connecting again, and how soon a stop is noticed.
const PAUSE: Duration = Duration::from_millis(100);
/// A line is never as long; a server that sends no line end is not ours.
const LINE_BYTES: usize = 4096;

/// Reads one line; the time is left to the shard that receives the quote. An absent side is blank or zero.
pub fn parse_line(line: &str) -> Option<(Symbol, Quote)> {
    let mut fields = line.trim_end_matches('\r').split(',').map(str::trim);
    let _time: i64 = fields.next()?.parse().ok()?;
    let symbol = Symbol::new(fields.next()?).ok()?;
    let (bid, bid_quantity) = side(fields.next()?, fields.next()?)?;
    let (ask, ask_quantity) = side(fields.next()?, fields.next()?)?;
    let received = Timestamp::default();
    fields.next().is_none().then_some((symbol, Quote { bid, bid_quantity, ask, ask_quantity, received }))
}

fn side<P: FromStr + Default, Q: FromStr + Default>(price: &str, quantity: &str) -> Option<(P, Q)> {
    let number = |text: &str| if text.is_empty() { "0".to_owned() } else { text.to_owned() };
    let (price, quantity) = (number(price), number(quantity));
    if price.starts_with('-') || quantity.starts_with('-') {
        return None;
    }
    Some((price.parse().ok()?, quantity.parse().ok()?))
}

/// The running feed. Dropping it stops it.
#[derive(Debug)]
pub struct Feed {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    quotes: AtomicU64,
    unreadable: AtomicU64,
    crossed: AtomicU64,
}

impl Feed {
    /// Connects to `address`, now and whenever the connection is lost, and feeds `shards`.
    pub fn start(
        address: SocketAddr,
        names: Arc<LiveDirectory>,
        shards: Vec<FactSender<Core>>,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let reader = Reader { address, names, shards, shared: Arc::clone(&shared) };
        let thread = std::thread::Builder::new().name("quotes".to_owned()).spawn(move || reader.run())?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Quotes handed over so far.
    pub fn quotes(&self) -> u64 {
        self.shared.quotes.load(Ordering::Relaxed)
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of the quote feed died");
        }
    }
}

struct Reader {
    address: SocketAddr,
    names: Arc<LiveDirectory>,
    shards: Vec<FactSender<Core>>,
    shared: Arc<Shared>,
}

impl Reader {
    fn run(&self) {
        let mut told = false;
        while !self.is_stopping() {
            match TcpStream::connect_timeout(&self.address, Duration::from_secs(1)) {
                Ok(stream) => {
                    tracing::info!(address = %self.address, "quotes connected");
                    told = false;
                    if let Err(error) = self.read(stream) {
                        tracing::warn!(%error, "quotes lost; connecting again");
                    }
                }
                Err(error) => {
                    if !std::mem::replace(&mut told, true) {
                        tracing::warn!(address = %self.address, %error, "no quotes; trying on");
                    }
                }
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn is_stopping(&self) -> bool {
        self.shared.stop.load(Ordering::Relaxed)
    }

    fn read(&self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_read_timeout(Some(PAUSE))?;
        let mut held: Vec<u8> = Vec::new();
        let mut bytes = vec![0; 64 * 1024];
        while !self.is_stopping() {
            let len = match stream.read(&mut bytes) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(len) => len,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            held.extend_from_slice(bytes.get(..len).unwrap_or(&[]));
            let whole = held.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            for line in held.get(..whole).unwrap_or(&[]).split(|byte| *byte == b'\n') {
                self.line(line);
            }
            held.drain(..whole);
            if held.len() > LINE_BYTES {
                return Err(std::io::Error::new(ErrorKind::InvalidData, "a line without end"));
            }
        }
        Ok(())
    }

    fn line(&self, line: &[u8]) {
        let text = std::str::from_utf8(line).unwrap_or("?").trim_end_matches('\r');
        // A server may say things behind `#`: that a replayed file is over, for one.
        if text.is_empty() || text == COLUMNS || text.starts_with('#') {
            return;
        }
        let Some((symbol, quote)) = parse_line(text) else {
            if self.shared.unreadable.fetch_add(1, Ordering::Relaxed) == 0 {
                tracing::warn!(
                    line = text,
                    "a line of the quote feed cannot be read; further ones are not told"
                );
            }
            return;
        };
        // The feed may carry more than we trade.
        if let Some(instrument) = self.names.current().instrument(symbol) {
            if quote.is_crossed() && self.shared.crossed.fetch_add(1, Ordering::Relaxed) == 0 {
                tracing::warn!(line = text, "a crossed quote is passed over; further ones are not told");
            }
            self.hand_over(instrument, quote);
            self.shared.quotes.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn hand_over(&self, instrument: InstrumentId, quote: Quote) {
        for shard in &self.shards {
            while let Err(Refused::RingFull { .. }) = shard.send((instrument, quote)) {
                if self.is_stopping() {
                    return;
                }
                std::thread::sleep(Duration::from_micros(50));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_with_and_without_a_side() {
        let (symbol, quote) = parse_line("1381132801000000000,AIG,48.87,2000,49.2,3000").unwrap();
        assert_eq!(symbol.as_str(), "AIG");
        assert_eq!((quote.bid, quote.ask_quantity), ("48.87".parse().unwrap(), 3000.into()));
        let (_, quote) = parse_line("1,AIG,,,49.2,3000\r").unwrap();
        assert_eq!(quote.opposite(model::Side::Sell), None);
    }

    #[test]
    fn what_is_no_quote_is_none() {
        for line in [
            "",
            "x",
            "1,AIG,1,1,1",
            "1,AIG,1,1,1,1,1",
            "1,AIG,-1,1,1,1",
            "1,AIG,a,1,1,1",
            "t,AIG,1,1,1,1",
            COLUMNS,
        ] {
            assert!(parse_line(line).is_none(), "{line}");
        }
    }
}
