//! How a section of the state is kept.

use borsh::io::{Read, Result, Write};
use machine::Section;

use crate::Core;

/// How one section is kept.
pub(crate) struct KeptSection {
    pub(crate) section: Section,
    pub(crate) save: fn(&Core, &mut dyn Write) -> Result<()>,
    pub(crate) load: fn(&mut Core, u16, &mut dyn Read) -> Result<()>,
}
