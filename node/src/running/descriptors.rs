//! File descriptors: what the journals and sessions need comes first, local clients get what is left.
//!
//! A shard that cannot open its next segment stops; a replica that cannot follow into it answers nothing more. So it is
//! reckoned before anything is opened, and a node that could not hold it does not start.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Config;
use crate::server::Room;

// Counted on a running node, with what is open for a moment only: `gannet/tests/it/descriptors.rs` runs one with no more.

/// The control plane: its event loop, the listening socket, and the spare one.
const CONTROL: usize = 12;
/// The office is a machine like a shard.
const OFFICE: usize = SHARD;
/// A shard: the lock, the segment in use and the next one, the one its replica reads; and while they are made, the next
/// but one, a snapshot, the control file, and the folder each is in.
const SHARD: usize = 9;
/// A session: the lock, four files of its store, the socket; and while it is started again, one more of each kind.
const SESSION: usize = 8;
/// The quote feed: its socket, and a new one while it connects again.
const FEED: usize = 2;
/// Left alone: a name that is looked up, a file of the kernel that is read.
const RESERVE: usize = 4;

/// The process may not open enough files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the process may have {limit} files open; {needed} are needed for what is open already, {shards} shards, {sessions} \
     sessions and a few local clients: raise the hard limit (`ulimit -Hn`, `LimitNOFILE=` in a systemd unit)"
)]
pub struct TooFewDescriptors {
    /// The hard limit of the process.
    pub limit: usize,
    /// What would do.
    pub needed: usize,
    /// How many shards there are.
    pub shards: usize,
    /// How many sessions there are.
    pub sessions: usize,
}

/// Raises the soft limit to the hard one, and gives the places that are left for local clients.
pub(super) fn room_for_clients(config: &Config) -> Result<Room, TooFewDescriptors> {
    room(config, raise_limit(), open_now())
}

fn room(config: &Config, limit: usize, open: usize) -> Result<Room, TooFewDescriptors> {
    let (shards, sessions) = (usize::from(config.node.shards), config.sessions.len());
    let feed = if config.market_data.is_some() { FEED } else { 0 };
    let own = open + CONTROL + OFFICE + SHARD * shards + SESSION * sessions + feed + RESERVE;
    let connections = usize::from(config.node.connections);
    let room = limit.checked_sub(own).and_then(|left| Room::within(left, connections));
    let needed = own + Room::FEWEST_DESCRIPTORS;
    let room = room.ok_or(TooFewDescriptors { limit, needed, shards, sessions })?;
    if room.ordinary < connections {
        tracing::warn!(
            limit,
            connections = room.ordinary,
            "fewer local clients than node.connections may connect: the process may not open more files"
        );
    }
    Ok(room)
}

/// The soft limit is a default that protects programs of another age; the hard one is what the administrator allows.
fn raise_limit() -> usize {
    let now = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: now.maximum, maximum: now.maximum };
    if now.current != now.maximum
        && let Err(error) = setrlimit(Resource::Nofile, raised)
    {
        tracing::warn!(%error, "the limit of open files cannot be raised to the hard one");
    }
    let limit = getrlimit(Resource::Nofile).current;
    limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
}

/// What the process holds already, as what it was started with; some, where the kernel does not say.
fn open_now() -> usize {
    const TYPICAL: usize = 16;
    std::fs::read_dir("/proc/self/fd").map_or(TYPICAL, Iterator::count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{EXAMPLE_INSTRUMENTS, EXAMPLE_NODE};

    #[test]
    fn what_a_node_needs_itself_comes_before_its_clients() {
        let text = EXAMPLE_NODE.replace("shards = 1", "shards = 2");
        let config = Config::from_texts(&text, EXAMPLE_INSTRUMENTS, std::path::Path::new("")).unwrap();
        let own = 10 + CONTROL + OFFICE + 2 * SHARD + SESSION + FEED + RESERVE;
        let least = own + Room::FEWEST_DESCRIPTORS;
        let refused = room(&config, least - 1, 10).unwrap_err();
        assert_eq!((refused.limit, refused.needed), (least - 1, least));
        assert_eq!(room(&config, least, 10).unwrap().ordinary, 1);
        assert_eq!(room(&config, 4096, 10).unwrap().ordinary, 256);
        assert!(room(&config, 0, 10).is_err());
    }
}
