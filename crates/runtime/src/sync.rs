//! Locks that ignore poisoning.
//!
//! Every critical section in this crate leaves its data consistent when it panics, so a poisoned lock
//! carries no information.

use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
