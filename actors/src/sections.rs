//! The state in sections: how it is kept in snapshots, and read back by this program or a later one.
//!
//! A section has a name and a version of its own. One whose form changes gets the next version, and the program goes on
//! reading the one before; the other sections never notice. A section that a snapshot does not have is one that was born
//! later: it is empty. A section that this program does not know was written by a later one, and is refused.

use borsh::io::{Error, ErrorKind, Read, Result, Write};
use borsh::{BorshDeserialize, BorshSerialize};
use machine::{Section, SectionError};
use model::Incarnation;

use crate::fingerprint::Fingerprint;
use crate::{Account, Core};

/// A part that is one field, written as it is.
macro_rules! part {
    ($name:literal, $version:literal, $field:ident) => {
        Part {
            section: Section { name: $name, version: $version },
            save: |core, mut writer| core.$field.serialize(&mut writer),
            load: |core, _, mut reader| {
                core.$field = BorshDeserialize::deserialize_reader(&mut reader)?;
                Ok(())
            },
        }
    };
}

/// Where each part of [`Core`] is kept. Order and versions are the canonical encoding of the state.
const PARTS: &[Part] = &[
    Part { section: Section { name: "shard", version: 1 }, save: save_shard, load: load_shard },
    part!("instruments", 1, instruments),
    part!("sessions", 1, sessions),
    part!("portfolios", 1, portfolios),
    Part { section: Section { name: "accounts", version: 1 }, save: save_accounts, load: load_accounts },
    part!("orders", 1, orders),
    part!("executions", 1, executions),
    part!("settlements", 1, settlements),
    part!("suspense", 1, suspense),
    part!("asks", 1, asks),
    Part { section: Section { name: "broken", version: 1 }, save: save_broken, load: load_broken },
];

type Save = fn(&Core, &mut dyn Write) -> Result<()>;
type Load = fn(&mut Core, u16, &mut dyn Read) -> Result<()>;

struct Part {
    section: Section,
    save: Save,
    load: Load,
}

/// What concerns the whole shard.
#[derive(BorshSerialize, BorshDeserialize)]
struct Shard {
    incarnation: Incarnation,
    logic_version: u32,
    firm_halted: bool,
    changes: Fingerprint,
}

fn save_shard(core: &Core, mut writer: &mut dyn Write) -> Result<()> {
    let Core { incarnation, logic_version, firm_halted, changes, .. } = *core;
    Shard { incarnation, logic_version, firm_halted, changes }.serialize(&mut writer)
}

fn load_shard(core: &mut Core, _: u16, mut reader: &mut dyn Read) -> Result<()> {
    let Shard { incarnation, logic_version, firm_halted, changes } = Shard::deserialize_reader(&mut reader)?;
    (core.incarnation, core.logic_version) = (incarnation, logic_version);
    (core.firm_halted, core.changes) = (firm_halted, changes);
    Ok(())
}

fn save_accounts(core: &Core, mut writer: &mut dyn Write) -> Result<()> {
    core.accounts.serialize(&mut writer)
}

/// Their names are found again from themselves.
fn load_accounts(core: &mut Core, _: u16, mut reader: &mut dyn Read) -> Result<()> {
    core.accounts = BorshDeserialize::deserialize_reader(&mut reader)?;
    let named = |account: &Account| (account.definition.name, account.definition.id);
    core.account_names = core.accounts.iter().map(named).collect();
    Ok(())
}

fn save_broken(core: &Core, mut writer: &mut dyn Write) -> Result<()> {
    (core.ticks_set_aside, &core.broken).serialize(&mut writer)
}

fn load_broken(core: &mut Core, _: u16, mut reader: &mut dyn Read) -> Result<()> {
    (core.ticks_set_aside, core.broken) = BorshDeserialize::deserialize_reader(&mut reader)?;
    Ok(())
}

impl Core {
    /// The sections of a state, in order.
    pub fn sections() -> impl Iterator<Item = Section> {
        PARTS.iter().map(|part| part.section)
    }

    /// Writes one section, in its newest version.
    pub fn save(&self, section: Section, writer: &mut dyn Write) -> Result<()> {
        let part = PARTS.iter().find(|part| part.section == section);
        part.map_or_else(|| Err(Error::from(ErrorKind::NotFound)), |part| (part.save)(self, writer))
    }

    /// Reads one section, all of `bytes`.
    pub fn load(
        &mut self,
        name: &str,
        version: u16,
        mut bytes: &[u8],
    ) -> core::result::Result<(), SectionError> {
        let Some(part) = PARTS.iter().find(|part| part.section.name == name) else {
            return Err(SectionError::Unknown { name: name.into() });
        };
        let Section { name, version: known } = part.section;
        if version == 0 || version > known {
            return Err(SectionError::Version { name, found: version, known });
        }
        let damaged = |error| SectionError::Damaged { name, error };
        (part.load)(self, version, &mut bytes).map_err(damaged)?;
        if bytes.is_empty() { Ok(()) } else { Err(damaged(Error::from(ErrorKind::InvalidData))) }
    }

    /// The canonical encoding of the whole state, section after section: the same history gives the same bytes, live,
    /// replayed or from a snapshot on. Hash it to compare states. (Numbers keep their scale: 1.0 and 1.00 are equal, not
    /// the same.)
    pub fn encode<W: Write>(&self, writer: &mut W) -> Result<()> {
        PARTS.iter().try_for_each(|part| (part.save)(self, writer))
    }

    /// Reads a state back from [`Core::encode`].
    pub fn decode<R: Read>(reader: &mut R) -> Result<Self> {
        let mut core = Self::default();
        PARTS.iter().try_for_each(|part| (part.load)(&mut core, part.section.version, reader))?;
        Ok(core)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec::Vec;

    #[test]
    fn names_are_short_and_given_once() {
        let names: Vec<&str> = Core::sections().map(|section| section.name).collect();
        for (at, name) in names.iter().enumerate() {
            assert!(name.len() <= 16 && name.bytes().all(|byte| byte.is_ascii_lowercase()), "{name}");
            assert!(!names[at + 1..].contains(name), "{name}");
        }
    }

    #[test]
    fn a_section_that_is_missing_is_empty_and_one_that_is_not_known_is_refused() {
        let full = Core { firm_halted: true, ..Core::default() };
        let mut read = Core::default();
        for section in Core::sections().filter(|section| section.name != "suspense") {
            let mut bytes = Vec::new();
            full.save(section, &mut bytes).unwrap();
            read.load(section.name, section.version, &bytes).unwrap();
        }
        assert_eq!(read, full);
        let later = read.load("margin", 1, &[]).unwrap_err().to_string();
        assert!(later.contains("\"margin\"") && later.contains("a later one"), "{later}");
        let later = read.load("orders", 9, &[]).unwrap_err().to_string();
        assert!(later.contains("version 9") && later.contains("up to 1"), "{later}");
        assert!(matches!(read.load("orders", 1, &[1, 2]), Err(SectionError::Damaged { name: "orders", .. })));
        let mut behind = Vec::new();
        full.save(Section { name: "shard", version: 1 }, &mut behind).unwrap();
        behind.push(0);
        assert!(matches!(read.load("shard", 1, &behind), Err(SectionError::Damaged { .. })));
    }
}
