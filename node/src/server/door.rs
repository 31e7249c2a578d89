//! The door: one actor that lets clients in, each with a task of its own, and knows when the last has left.

use std::cell::RefCell;
use std::fs::File;
use std::io::Write;
use std::os::unix::net::UnixListener as StdListener;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler, Message, Supervised, WrapFuture};
use model::Origin;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{oneshot, watch};
use wire::frame::append_frame;
use wire::{Answer, AnswerFrame, Refusal, RefusalKind};

use super::Admission;
use super::connection::{self, Visit};
use super::guests::Guests;
use crate::node_api::NodeApi;

/// The pause after a client could not be let in.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// Lets clients in and knows who is inside. Supervised: when accepting fails for good it starts again.
pub(super) struct Doorkeeper {
    api: Arc<dyn NodeApi>,
    listener: StdListener,
    admission: Admission,
    stopping: watch::Receiver<bool>,
    guests: Rc<RefCell<Guests>>,
    /// Counted over the life of the process, for [`Origin::client`]; 0 is the node itself.
    next_client: u32,
    answered: connection::Seen,
    /// Who runs the node.
    owner_uid: u32,
}

impl Doorkeeper {
    pub(super) fn new(
        api: Arc<dyn NodeApi>,
        listener: StdListener,
        admission: Admission,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        Self {
            api,
            listener,
            admission,
            stopping,
            guests: Rc::new(RefCell::new(Guests::new(admission.room))),
            next_client: 1,
            answered: connection::Seen::default(),
            owner_uid: rustix::process::geteuid().as_raw(),
        }
    }
}

impl Actor for Doorkeeper {
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

impl Supervised for Doorkeeper {}

struct Came(UnixStream);

struct Gone(u32);

/// Asks to be told when nobody is inside any more.
pub(super) struct Close {
    empty: Option<oneshot::Sender<()>>,
}

impl Close {
    pub(super) const fn when_empty(empty: oneshot::Sender<()>) -> Self {
        Self { empty: Some(empty) }
    }
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

async fn accept(listener: UnixListener, mut stopping: watch::Receiver<bool>, door: actix::Addr<Doorkeeper>) {
    let mut spare = Spare::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopping.wait_for(|stop| *stop) => return,
        };
        match accepted {
            Ok((stream, _)) => {
                if door.send(Came(stream)).await.is_err() {
                    return;
                }
                // Whoever came has its turn, and says its first word, before the next one is let in.
                tokio::task::yield_now().await;
            }
            Err(error) => {
                tracing::error!(%error, "a client of the local socket could not be let in");
                spare.answer(&listener, &error).await;
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// A file descriptor for the case that there are no others: with it a client can be told so. Without, it would wait
/// for ever, and so would the accepting of everybody behind it.
struct Spare(Option<File>);

impl Spare {
    fn new() -> Self {
        Self(File::open("/dev/null").ok())
    }

    async fn answer(&mut self, listener: &UnixListener, error: &std::io::Error) {
        drop(self.0.take());
        // Not waited for: another may have used the descriptor, or the client has gone.
        let client = tokio::time::timeout(Duration::ZERO, listener.accept()).await;
        if let Ok(Ok((stream, _))) = client {
            let text = format!("the node can take no more connections now: {error}");
            turn_away(stream, Refusal::new(RefusalKind::TooManyConnections, text));
        }
        *self = Self::new();
    }
}

impl Handler<Came> for Doorkeeper {
    type Result = ();

    fn handle(&mut self, Came(stream): Came, context: &mut Context<Self>) {
        let uid = match stream.peer_cred() {
            Ok(peer) => peer.uid(),
            Err(error) => {
                tracing::error!(%error, "a client of the local socket without a user was turned away");
                return;
            }
        };
        let client = self.next_client;
        let turned_out = match self.guests.borrow_mut().come(client) {
            Ok(turned_out) => turned_out,
            Err(refusal) => return turn_away(stream, refusal),
        };
        self.next_client = self.next_client.wrapping_add(1).max(1);
        let visit = Visit {
            origin: Origin { principal: 0, uid, client, door: model::Door::LocalSocket },
            // The administrator of the machine can do anything that the node's user can.
            is_owner: uid == self.owner_uid || uid == 0,
            first_request: self.admission.first_request,
            guests: Rc::clone(&self.guests),
            turned_out,
        };
        let (api, stopping, door) = (Arc::clone(&self.api), self.stopping.clone(), context.address());
        let answered = Rc::clone(&self.answered);
        tracing::debug!(client, uid, "client connected");
        actix::spawn(async move {
            connection::serve(stream, visit, api, stopping, answered).await;
            door.do_send(Gone(client));
        });
    }
}

/// One frame: a fresh socket's buffer is empty. It is written past tokio, which would not know yet that the socket can
/// be written to.
fn turn_away(stream: UnixStream, refusal: Refusal) {
    let mut bytes = Vec::new();
    let answer = AnswerFrame { id: None, answer: Answer::Refused(refusal) };
    let written = append_frame(&mut bytes, &answer).map_err(std::io::Error::other);
    let written = written.and_then(|()| stream.into_std()?.write_all(&bytes));
    if let Err(error) = written {
        tracing::warn!(%error, "a client of the local socket was turned away without a word");
    }
}

impl Handler<Gone> for Doorkeeper {
    type Result = ();

    fn handle(&mut self, Gone(client): Gone, _: &mut Context<Self>) {
        tracing::debug!(client, "client gone");
        self.guests.borrow_mut().gone(client);
    }
}

impl Handler<Close> for Doorkeeper {
    type Result = ();

    fn handle(&mut self, mut close: Close, context: &mut Context<Self>) {
        if !self.guests.borrow().is_empty() {
            // Each client ends by itself once its requests are answered; look again soon.
            context.notify_later(close, Duration::from_millis(2));
        } else if let Some(empty) = close.empty.take() {
            // `run` may have given up waiting.
            let _ = empty.send(());
        }
    }
}
