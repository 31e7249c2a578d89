//! The quote feed: a TCP server on loopback, one line per quote.
//!
//! A client gets the header, the latest quote of every symbol, and from then on every quote; `#end` when a replay is
//! over. A slow client is waited for at replay speed `max`; otherwise it gets the latest quote of each symbol.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crate::Error;
use crate::mailbox::{Mailbox, Overflow};
use crate::market::{HEADER, Quote};

/// The line that ends a replay.
pub(crate) const END: &str = "#end\n";

/// Where quotes are handed to every client.
#[derive(Debug)]
pub(crate) struct Hub {
    overflow: Overflow,
    state: Mutex<HubState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct HubState {
    latest: BTreeMap<String, Arc<str>>,
    clients: Vec<FeedClient>,
    ended: bool,
    closed: bool,
}

#[derive(Debug)]
struct FeedClient {
    mailbox: Arc<Mailbox>,
    stream: TcpStream,
}

impl Hub {
    pub(crate) fn new(overflow: Overflow) -> Self {
        Self { overflow, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Hands a quote to every client.
    pub(crate) fn publish(&self, quote: &Quote) {
        let line: Arc<str> = quote.to_line().into();
        let mut state = self.lock();
        state.latest.insert(quote.symbol.clone(), Arc::clone(&line));
        // Not under the lock: the market may wait for a client, others must still be able to connect.
        let mailboxes = state.mailboxes();
        drop(state);
        for mailbox in mailboxes {
            mailbox.put(&quote.symbol, &line);
        }
    }

    /// Tells every client, later ones too, that the replay is over.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        let mailboxes = state.mailboxes();
        drop(state);
        for mailbox in mailboxes {
            mailbox.put("", &Arc::from(END));
        }
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.lock().ended
    }

    /// Waits until so many clients are there; false if the feed was closed instead.
    pub(crate) fn wait_for_clients(&self, wanted: usize) -> bool {
        let mut state = self.lock();
        while state.clients.len() < wanted && !state.closed {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        !state.closed
    }

    /// Ends every client's connection.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        for client in state.clients.drain(..) {
            client.mailbox.close();
            // A writer may sit in a full socket: only this gets it out. It may be gone already.
            let _ = client.stream.shutdown(Shutdown::Both);
        }
        self.changed.notify_all();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn join(&self, stream: TcpStream) -> Option<Arc<Mailbox>> {
        let mailbox = Arc::new(Mailbox::new(self.overflow));
        let mut state = self.lock();
        if state.closed {
            return None;
        }
        let header: Arc<str> = format!("{HEADER}\n").into();
        mailbox.put("", &header);
        for (symbol, line) in &state.latest {
            mailbox.put(symbol, line);
        }
        if state.ended {
            mailbox.put("", &Arc::from(END));
        }
        state.clients.push(FeedClient { mailbox: Arc::clone(&mailbox), stream });
        self.changed.notify_all();
        Some(mailbox)
    }

    fn part(&self, mailbox: &Arc<Mailbox>) {
        mailbox.close();
        self.lock().clients.retain(|client| !Arc::ptr_eq(&client.mailbox, mailbox));
    }

    fn lock(&self) -> MutexGuard<'_, HubState> {
        // Lists of clients and quotes are whole between any two statements.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HubState {
    fn mailboxes(&self) -> Vec<Arc<Mailbox>> {
        self.clients.iter().map(|client| Arc::clone(&client.mailbox)).collect()
    }
}

/// The server: a thread that accepts, a thread per client that writes.
#[derive(Debug)]
pub(crate) struct Feed {
    port: u16,
    hub: Arc<Hub>,
    thread: Option<JoinHandle<()>>,
}

impl Feed {
    pub(crate) fn start(port: u16, hub: Arc<Hub>) -> Result<Self, Error> {
        let failed = |source| Error::Port { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let accepting = Arc::clone(&hub);
        let thread = thread::Builder::new()
            .name("broker-feed".to_owned())
            .spawn(move || accept(&listener, &accepting))
            .map_err(|_| Error::Thread("broker-feed"))?;
        Ok(Self { port, hub, thread: Some(thread) })
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.hub.close();
        // Wakes the accepting thread, which then sees that the hub is closed.
        let woken = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)));
        if woken.is_ok()
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
    }
}

fn accept(listener: &TcpListener, hub: &Arc<Hub>) {
    for stream in listener.incoming() {
        if hub.is_closed() {
            return;
        }
        match stream.and_then(|stream| serve(stream, hub)) {
            Ok(()) => {}
            Err(error) => tracing::warn!(%error, "a feed client could not be served"),
        }
    }
}

fn serve(stream: TcpStream, hub: &Arc<Hub>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let Some(mailbox) = hub.join(stream.try_clone()?) else { return Ok(()) };
    let parting = Arc::clone(hub);
    let writer = Arc::clone(&mailbox);
    let spawned = thread::Builder::new().name("broker-feed-out".to_owned()).spawn(move || {
        write_lines(stream, &writer);
        parting.part(&writer);
    });
    if spawned.is_err() {
        hub.part(&mailbox);
    }
    spawned.map(drop)
}

fn write_lines(mut stream: TcpStream, mailbox: &Mailbox) {
    let mut text = String::new();
    while let Some(lines) = mailbox.take() {
        text.clear();
        text.extend(lines.iter().map(|(_, line)| &**line));
        if stream.write_all(text.as_bytes()).is_err() {
            return;
        }
    }
}
