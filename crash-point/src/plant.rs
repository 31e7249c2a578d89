//! Inputs that are to break an invariant, by the name they carry: the ClOrdID of an order, the ExecID of a
//! report, `ask N` for the Nth ask of a record.
//!
//! By name and not by number, so that whoever replays the input fails as well, as with a real fault; and a process
//! without the plant is what a program is in which the fault is mended.

/// The variable that plants: names, with commas between them.
pub const BREAK_VARIABLE: &str = "GANNET_BREAK_AT";

/// Plants a name in this process. Nothing in a build without crash points.
pub fn plant(name: &str) {
    #[cfg(any(debug_assertions, feature = "crash-points"))]
    planted::names().insert(name.to_owned());
    #[cfg(not(any(debug_assertions, feature = "crash-points")))]
    let _ = name;
}

/// Takes it back: the fault is mended.
pub fn take_back(name: &str) {
    #[cfg(any(debug_assertions, feature = "crash-points"))]
    planted::names().remove(name);
    #[cfg(not(any(debug_assertions, feature = "crash-points")))]
    let _ = name;
}

/// True where an input of this name is to break an invariant.
#[inline(always)]
#[expect(clippy::inline_always, reason = "nothing may be left of it where it is not compiled in")]
pub fn is_planted(name: &str) -> bool {
    #[cfg(any(debug_assertions, feature = "crash-points"))]
    {
        planted::ANY.load(std::sync::atomic::Ordering::Acquire) && planted::names().contains(name)
    }
    #[cfg(not(any(debug_assertions, feature = "crash-points")))]
    {
        let _ = name;
        false
    }
}

#[cfg(any(debug_assertions, feature = "crash-points"))]
mod planted {
    use std::collections::BTreeSet;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

    /// Until the first look, there may be.
    pub(super) static ANY: AtomicBool = AtomicBool::new(true);
    static NAMES: LazyLock<Mutex<BTreeSet<String>>> = LazyLock::new(|| {
        let text = std::env::var(super::BREAK_VARIABLE).unwrap_or_default();
        let names = text.split(',').filter(|name| !name.is_empty()).map(str::to_owned);
        Mutex::new(names.collect())
    });

    /// Whoever looks or changes leaves behind whether there is any.
    pub(super) fn names() -> PlantedNames {
        PlantedNames(NAMES.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) struct PlantedNames(MutexGuard<'static, BTreeSet<String>>);

    impl std::ops::Deref for PlantedNames {
        type Target = BTreeSet<String>;

        fn deref(&self) -> &Self::Target {
            &self.0
        }
    }

    impl std::ops::DerefMut for PlantedNames {
        fn deref_mut(&mut self) -> &mut Self::Target {
            &mut self.0
        }
    }

    impl Drop for PlantedNames {
        fn drop(&mut self) {
            ANY.store(!self.0.is_empty(), Ordering::Release);
        }
    }
}
