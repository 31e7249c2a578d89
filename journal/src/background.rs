//! Who does the work that is nobody's hurry.

/// Who does the writer's background work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Background {
    /// Threads.
    #[default]
    Threads,
    /// Whoever has the writer, with [`Writer::step_preparer`](crate::Writer::step_preparer) and [`Writer::step_flusher`](crate::Writer::step_flusher), so that a simulation decides
    /// when. Where the writer would wait for a thread, it takes the steps itself.
    Stepped,
}
