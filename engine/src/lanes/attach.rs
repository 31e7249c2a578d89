//! Who comes to a shard, and who goes.

use machine::{EventOf, Hosted};

use super::peer::PeerPort;
use crate::answers::AnswerSink;
use crate::outlet::Line;
use crate::round::Inlet;

/// A client or a session comes or goes.
pub(crate) enum Attach<M: Hosted> {
    Client {
        inlet: Inlet<M::Command>,
        sink: AnswerSink<EventOf<M>>,
        attached: flume::Sender<()>,
    },
    /// It has put something into its lane, which the shard had ceased to look at.
    ClientAwake {
        client: u32,
    },
    ClientGone {
        client: u32,
    },
    /// Another shard that can be asked from now on.
    Peer {
        port: PeerPort<M>,
    },
    Session {
        way: u16,
        ring: rtrb::Producer<Line<M::Message>>,
        attached: flume::Sender<()>,
    },
}
