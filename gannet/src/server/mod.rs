//! The control plane: one thread with an actix system. Clients of the local socket are its tasks; who is connected
//! is the state of one actor.
//!
//! Nothing here is on the way of an order that a strategy submits in the same process.

mod connection;
mod dispatch;
mod socket;

use std::collections::BTreeSet;
use std::os::unix::net::UnixListener as StdListener;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler, Message, Supervised, Supervisor, WrapFuture};
use model::Origin;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{oneshot, watch};

use crate::node_api::NodeApi;
use crate::wire::frame::append_frame;
use crate::wire::{Answer, AnswerFrame, Refusal, RefusalKind};
use socket::Socket;
pub use socket::SocketError;

/// More clients than this are turned away.
const CONNECTIONS: usize = 256;
/// How long commands in flight may take to be answered when the node stops.
const DRAIN: Duration = Duration::from_secs(2);

/// Why the control plane could not start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// There is no socket.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// There is no thread.
    #[error("the control thread cannot be started: {0}")]
    Thread(std::io::Error),
    /// The thread did not come up.
    #[error("the control thread ended while it started")]
    Died,
}

/// The running control plane. Dropping it stops it.
#[derive(Debug)]
pub struct ControlPlane {
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
    _socket: Socket,
}

/// Something else that lives on the control plane: run once, on its thread, where it may start actors.
pub type Chore = Box<dyn FnOnce() + Send>;

impl ControlPlane {
    /// Listens on `socket` and serves clients of `api`.
    pub fn start(api: Arc<dyn NodeApi>, socket: &Path) -> Result<Self, ServerError> {
        Self::start_with(api, socket, Vec::new())
    }

    /// As [`ControlPlane::start`], with chores beside it.
    pub fn start_with(api: Arc<dyn NodeApi>, socket: &Path, chores: Vec<Chore>) -> Result<Self, ServerError> {
        let (socket, listener) = Socket::listen(socket)?;
        let (stop, stopping) = watch::channel(false);
        let (started, start) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("gannet-control".to_owned())
            .spawn(move || {
                let system = actix::System::new();
                system.block_on(async {
                    for chore in chores {
                        chore();
                    }
                    run(api, listener, stopping, started).await;
                });
            })
            .map_err(ServerError::Thread)?;
        let plane = Self { stop, thread: Some(thread), _socket: socket };
        start.recv().map_err(|_| ServerError::Died)?;
        Ok(plane)
    }

    /// Takes no more requests, lets those in flight be answered for two seconds, and ends.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the control thread died");
        }
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        self.end();
    }
}

async fn run(
    api: Arc<dyn NodeApi>,
    listener: StdListener,
    mut stopping: watch::Receiver<bool>,
    started: std::sync::mpsc::Sender<()>,
) {
    let door = Door {
        api,
        listener,
        stopping: stopping.clone(),
        inside: BTreeSet::new(),
        next_client: 1,
        answered: connection::Seen::default(),
    };
    let door = Supervisor::start(move |_| door);
    // `start` waits for it.
    let _ = started.send(());
    // An error means that the control plane itself is gone.
    let _ = stopping.wait_for(|stop| *stop).await;
    let (empty, all_gone) = oneshot::channel();
    door.do_send(Close { empty: Some(empty) });
    if tokio::time::timeout(DRAIN, all_gone).await.is_err() {
        tracing::warn!("clients of the local socket were cut off with requests unanswered");
    }
}

/// Lets clients in and knows who is inside. Supervised: when accepting fails for good it starts again.
struct Door {
    api: Arc<dyn NodeApi>,
    listener: StdListener,
    stopping: watch::Receiver<bool>,
    inside: BTreeSet<u32>,
    /// Counted over the life of the process, for [`Origin::client`]; 0 is the node itself.
    next_client: u32,
    answered: connection::Seen,
}

impl Actor for Door {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let address = context.address();
        match self.listener.try_clone().and_then(UnixListener::from_std) {
            Ok(listener) => {
                let accept = accept(listener, self.stopping.clone(), address);
                context.spawn(accept.into_actor(self));
            }
            Err(error) => {
                tracing::error!(%error, "the local socket cannot be served; trying again in a second");
                context.run_later(Duration::from_secs(1), Self::started);
            }
        }
    }
}

impl Supervised for Door {}

struct Came(UnixStream);

struct Gone(u32);

struct Close {
    empty: Option<oneshot::Sender<()>>,
}

impl Message for Came {
    type Result = ();
}

impl Message for Gone {
    type Result = ();
}

impl Message for Close {
    type Result = ();
}

async fn accept(listener: UnixListener, mut stopping: watch::Receiver<bool>, door: actix::Addr<Door>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopping.wait_for(|stop| *stop) => return,
        };
        match accepted {
            Ok((stream, _)) => door.do_send(Came(stream)),
            Err(error) => {
                // Out of file descriptors, most likely: wait until some are free.
                tracing::error!(%error, "a client of the local socket could not be let in");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

impl Handler<Came> for Door {
    type Result = ();

    fn handle(&mut self, Came(stream): Came, context: &mut Context<Self>) {
        if self.inside.len() >= CONNECTIONS {
            turn_away(&stream);
            return;
        }
        let uid = match stream.peer_cred() {
            Ok(peer) => peer.uid(),
            Err(error) => {
                tracing::error!(%error, "a client of the local socket without a user was turned away");
                return;
            }
        };
        let client = self.next_client;
        self.next_client = self.next_client.wrapping_add(1).max(1);
        self.inside.insert(client);
        let (api, stopping, door) = (Arc::clone(&self.api), self.stopping.clone(), context.address());
        let answered = Rc::clone(&self.answered);
        tracing::debug!(client, uid, "client connected");
        actix::spawn(async move {
            connection::serve(stream, Origin { uid, client }, api, stopping, answered).await;
            door.do_send(Gone(client));
        });
    }
}

/// One frame, if the socket takes it at once: a fresh socket's buffer is empty.
fn turn_away(stream: &UnixStream) {
    let text = format!("{CONNECTIONS} connections are open");
    let limit = u64::try_from(CONNECTIONS).unwrap_or(u64::MAX);
    let answer = Answer::Refused(Refusal::beyond(RefusalKind::TooManyConnections, text, limit));
    let mut bytes = Vec::new();
    let written = append_frame(&mut bytes, &AnswerFrame { id: None, answer });
    if written.is_err() || stream.try_write(&bytes).is_err() {
        tracing::warn!("a client of the local socket was turned away without a word");
    }
}

impl Handler<Gone> for Door {
    type Result = ();

    fn handle(&mut self, Gone(client): Gone, _: &mut Context<Self>) {
        tracing::debug!(client, "client gone");
        self.inside.remove(&client);
    }
}

impl Handler<Close> for Door {
    type Result = ();

    fn handle(&mut self, mut close: Close, context: &mut Context<Self>) {
        if !self.inside.is_empty() {
            // Each client ends by itself once its requests are answered; look again soon.
            context.notify_later(close, Duration::from_millis(2));
        } else if let Some(empty) = close.empty.take() {
            // `run` may have given up waiting.
            let _ = empty.send(());
        }
    }
}
