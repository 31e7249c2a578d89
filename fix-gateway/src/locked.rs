//! Locks, where a panic elsewhere leaves nothing half-changed.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, whatever became of the thread that had the lock before.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
