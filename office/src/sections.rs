//! The state in sections, as snapshots keep it.

use borsh::io::{Error, ErrorKind, Result, Write};
use borsh::{BorshDeserialize, BorshSerialize};
use machine::{Section, SectionError};

use crate::Office;

/// The sections of a state, in order. A section whose form changes gets the next version, and the one before is read on.
const SECTIONS: &[Section] = &[
    Section { name: "office", version: 1 },
    Section { name: "confighistory", version: 1 },
    Section { name: "alerts", version: 1 },
    Section { name: "approvals", version: 1 },
];

pub(crate) fn sections() -> impl Iterator<Item = Section> {
    SECTIONS.iter().copied()
}

pub(crate) fn save(office: &Office, section: Section, mut writer: &mut dyn Write) -> Result<()> {
    match section.name {
        "office" => {
            let Office { incarnation, logic_version, changes, set_aside, .. } = office;
            (incarnation, logic_version, changes, set_aside).serialize(&mut writer)
        }
        "confighistory" => office.config_history.serialize(&mut writer),
        "alerts" => office.alerts.serialize(&mut writer),
        "approvals" => office.approvals.serialize(&mut writer),
        _ => Err(Error::from(ErrorKind::NotFound)),
    }
}

pub(crate) fn load(
    office: &mut Office,
    name: &str,
    version: u16,
    bytes: &[u8],
) -> core::result::Result<(), SectionError> {
    let Some(section) = sections().find(|section| section.name == name) else {
        return Err(SectionError::Unknown { name: name.into() });
    };
    let Section { name, version: known } = section;
    if version == 0 || version > known {
        return Err(SectionError::Version { name, found: version, known });
    }
    read(office, name, bytes).map_err(|error| SectionError::Damaged { name, error })
}

fn read(office: &mut Office, name: &str, mut bytes: &[u8]) -> Result<()> {
    let bytes = &mut bytes;
    match name {
        "office" => {
            (office.incarnation, office.logic_version, office.changes, office.set_aside) =
                BorshDeserialize::deserialize(bytes)?;
        }
        "confighistory" => office.config_history = BorshDeserialize::deserialize(bytes)?,
        "alerts" => office.alerts = BorshDeserialize::deserialize(bytes)?,
        "approvals" => office.approvals = BorshDeserialize::deserialize(bytes)?,
        _ => return Err(Error::from(ErrorKind::NotFound)),
    }
    if bytes.is_empty() { Ok(()) } else { Err(Error::from(ErrorKind::InvalidData)) }
}
