//! Bad input and bad luck, on the real program: processes, sockets, signals, files.
//!
//! Where each is shown, at the lowest level that can show it and, with `bad_luck`, on the whole:
//!
//! | what | shown by |
//! | --- | --- |
//! | unknown account or symbol | `risk-gate/tests/it/table.rs`, `node/tests/it/server: names_that_lead_nowhere_are_denied_without_a_record`, `bad_luck/operator.rs` |
//! | zero, negative, too precise numbers, overflow | `actors/tests/it/numbers.rs`, `risk-gate/tests/it/table.rs`, `model/src/number.rs`, `bad_luck/operator.rs` |
//! | duplicate ids | `actors/tests/it/commands.rs`, `bad_luck/operator.rs` |
//! | a full ring | `engine/tests/it/shard.rs: a_full_answer_ring_is_a_typed_refusal_and_nothing_is_lost`, `a_gateway_that_does_not_drain_pushes_back_to_the_submitter_and_loses_nothing`, `node/tests/it/server: a_full_ring_is_a_typed_refusal` |
//! | a second node on the same journal or socket | `journal/tests/it/refusals.rs`, `engine/tests/it/shard.rs`, `node/tests/it/running.rs: a_second_node_is_refused_and_the_first_goes_on`, `bad_luck/journal.rs` |
//! | an unreadable, foreign or damaged journal | `journal/tests/it/{refusals,damage,environment}.rs`, `bad_luck/journal.rs` |
//! | a full disk | `journal/tests/it/environment.rs`, `engine/tests/it/full_disk.rs` (filling up under a working shard), `bad_luck/journal.rs` (full at the start) |
//! | a broker that is down at the start | `fix-gateway/tests/it/session_life.rs`, `fix-gateway/tests/it/quickfix_session.rs`, `bad_luck/broker.rs` |
//! | a broker that goes away in the middle | the same, `bad_luck/broker.rs` |
//! | a broker that comes back on a later day | `fix-gateway/paper-broker/tests/it/fix_session.rs: a_store_of_an_earlier_day_is_kept`, `fix-gateway/tests/it/quickfix_session.rs: a_store_of_an_earlier_day_is_kept` |
//! | a broker that rejects everything | `fix-gateway/tests/it/session_life.rs`, `fix-gateway/tests/it/quickfix_session.rs`, `bad_luck/broker.rs` |
//! | a broker that sends garbage | `fix-gateway/tests/it/session_life.rs`, `fix-gateway/tests/it/quickfix_wire.rs`, `bad_luck/broker.rs` |
//! | an invariant of the core that breaks | `engine/tests/it/broken.rs`, `actors/tests/it/broken.rs`, `bad_luck/broken.rs` |
//! | SIGKILL of the node | `journal/tests/kill.rs`, `fix-gateway/tests/quickfix_kill.rs`, `kill_loop.rs` (both durabilities, one and two shards) |
//! | SIGTERM of the node while it trades | `node/tests/it/server: stopping_lets_requests_in_flight_be_answered`, `bad_luck/node.rs` |
//! | a machine that is lost | `gannet/tests/it/backup.rs`, `bad_luck/restore.rs` |
//! | a client that vanishes or sends garbage | `node/tests/it/server: a_client_that_vanishes_in_the_middle_harms_nobody`, `garbage_is_answered_and_harms_nobody_else`, `bad_luck/node.rs` |
//! | a configuration that was edited | `node/tests/it/plan.rs`, `node/tests/it/running.rs`, `bad_luck/node.rs` |

mod broken;
mod broker;
mod journal;
mod node;
mod operator;
mod restore;
