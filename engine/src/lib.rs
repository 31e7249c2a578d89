//! Shards: threads, rings, the pipeline, egress, replay.
