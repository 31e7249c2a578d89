//! Shards: one thread each, fed by rings, recording before anything leaves. A shard hosts any machine ([`machine::Hosted`]).
//!
//! Start with `pipeline.rs`: it is the whole path of an input, its stages numbered. Around it stand
//! * [`Shard`]: starts from the journal (recovery is the only start there is) and owns the thread;
//! * [`Client`]: in-process submission of commands and the answers to them;
//! * [`SessionPort`], [`SessionOutlet`]: what a broker's session sees of the shard;
//! * [`FactSender`]: what the shard sees beside its journal, such as market data;
//! * [`Replica`]: the read side, which follows the journal and never touches the shard;
//! * [`Stepped`]: all of it without a thread, for simulations;
//! * [`replay`]: the same state from the same records, offline.

// Lets a unit test use the rig of the integration tests.
#[cfg(test)]
extern crate self as engine;

mod answers;
mod audit;
mod broken;
mod client;
mod clock;
mod cores;
mod digest;
mod doze;
mod egress;
mod envelope;
mod error;
mod fact_sender;
mod idle;
mod lanes;
mod memory;
mod outcomes;
mod outlet;
mod pipeline;
mod records;
mod recovery;
mod release;
mod replay;
mod replica;
mod round;
mod session_port;
mod shard;
mod snapshot;
mod snapshot_copy;
mod stepped;
mod supply;
mod sync;
mod thread_usage;
mod timeline;
mod trace;
mod upgrade;

pub use answers::Answer;
pub use audit::Divergence;
pub use broken::OnBroken;
pub use client::{Client, Ticket};
pub use clock::{Clock, Reading, SystemClock};
pub use cores::leave_to_shards;
pub use digest::{Digest, state_hash};
pub use error::{EngineError, Refused};
pub use fact_sender::FactSender;
pub use idle::Idle;
pub use lanes::peer::PeerPort;
pub use outcomes::{Difference, OutcomesError, first_difference, write_outcomes};
pub use records::{RecordOf, Records, WithNext};
pub use recovery::{recover, recover_in_turn, replay, replay_until};
pub use replay::{Recovered, Replay};
pub use replica::{Published, Replica, ReplicaError, Subscription};
pub use session_port::{SessionOutlet, SessionPort};
pub use shard::{Connect, RecoveredAt, Shard, ShardConfig, Standby, StopReport};
pub use snapshot::{Snapshot, SnapshotError, SnapshotPolicy, newest_where, snapshots_dir, take_snapshot};
pub use snapshot_copy::{copy_snapshots, remove_snapshots_but};
pub use stepped::{Stepped, SteppedReplica};
pub use thread_usage::ThreadUsage;
pub use trace::{LOOK_EVERY_NS, Lane, StageTimes, TraceReader, monotonic_ns, monotonic_ns_at};
pub use upgrade::UpgradePolicy;
