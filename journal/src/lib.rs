//! The journal: record layout, segments, writer, reader, recovery.
