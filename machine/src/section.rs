//! The state in sections: how it is kept in snapshots, and read back by the same program or a later one.
//!
//! A section has a name and a version of its own. One whose form changes gets the next version, and the program goes on
//! reading the one before; the other sections never notice. A section that a snapshot does not have is one that was born
//! later: it is empty. A section that a program does not know was written by a later one, and is refused.

use borsh::io::Error;

/// One section of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its name: lower case, at most 16 letters, for good.
    pub name: &'static str,
    /// The version it is written in; earlier ones are read as long as `load` knows them.
    pub version: u16,
}

/// Why a section was not read.
#[derive(Debug, thiserror::Error)]
pub enum SectionError {
    /// A later program's.
    #[error("it holds a section {name:?}, which this program does not know: a later one wrote it")]
    Unknown {
        /// Its name.
        name: alloc::string::String,
    },
    /// In a form that is not read.
    #[error("its section {name:?} has version {found}, this program reads up to {known}")]
    Version {
        /// Its name.
        name: &'static str,
        /// Its version.
        found: u16,
        /// Ours.
        known: u16,
    },
    /// It makes no sense.
    #[error("its section {name:?} makes no sense: {error}")]
    Damaged {
        /// Its name.
        name: &'static str,
        /// What was wrong.
        error: Error,
    },
}
