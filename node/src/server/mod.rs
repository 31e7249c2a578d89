//! The control plane: one thread with an actix system. Clients of the local socket are its tasks; who is connected
//! is the state of one actor.
//!
//! Nothing here is on the way of an order that a strategy submits in the same process.

mod connection;
mod dispatch;
mod door;
mod guests;
mod socket;

use std::os::unix::net::UnixListener as StdListener;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix::Supervisor;
use tokio::sync::{oneshot, watch};

use crate::config::SocketAccess;
use crate::node_api::NodeApi;
use door::{Close, Doorkeeper};
pub use guests::Room;
use socket::Socket;
pub use socket::SocketError;

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

/// Whom the control plane lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission {
    /// How many clients, and in which places.
    pub room: Room,
    /// How long a client may take for its first request.
    pub first_request: Duration,
    /// Who may connect.
    pub access: SocketAccess,
}

/// Something else that lives on the control plane: run once, on its thread, where it may start actors.
pub type Chore = Box<dyn FnOnce() + Send>;

impl ControlPlane {
    /// Listens on `socket` and serves clients of `api`, with chores beside it.
    pub fn start(
        api: Arc<dyn NodeApi>,
        socket: &Path,
        admission: Admission,
        chores: Vec<Chore>,
    ) -> Result<Self, ServerError> {
        let (socket, listener) = Socket::listen(socket, admission.access)?;
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
                    run(api, listener, admission, stopping, started).await;
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
    admission: Admission,
    mut stopping: watch::Receiver<bool>,
    started: std::sync::mpsc::Sender<()>,
) {
    let door = Doorkeeper::new(api, listener, admission, stopping.clone());
    let door = Supervisor::start(move |_| door);
    // `start` waits for it.
    let _ = started.send(());
    // An error means that the control plane itself is gone.
    let _ = stopping.wait_for(|stop| *stop).await;
    let (empty, all_gone) = oneshot::channel();
    door.do_send(Close::when_empty(empty));
    if tokio::time::timeout(DRAIN, all_gone).await.is_err() {
        tracing::warn!("clients of the local socket were cut off with requests unanswered");
    }
}
