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
use crate::orders::Orders;
use crate::parts::movements::{References, UNDATED};
use crate::section::KeptSection;
use crate::store::table::Table;
use crate::trading::KEPT_PARTS;
use crate::{Account, Core, Portfolio};

/// A section that is one field, written as it is.
macro_rules! field {
    ($name:literal, $version:literal, $field:ident) => {
        KeptSection {
            section: Section { name: $name, version: $version },
            save: |core, mut writer| core.$field.serialize(&mut writer),
            load: |core, _, mut reader| {
                core.$field = BorshDeserialize::deserialize_reader(&mut reader)?;
                Ok(())
            },
        }
    };
}

/// Where the state of the orders' way is kept; the parts' follows. Order and versions are the canonical encoding of the state.
const HOT: &[KeptSection] = &[
    KeptSection { section: Section { name: "shard", version: 1 }, save: save_shard, load: load_shard },
    field!("instruments", 1, instruments),
    field!("sessions", 1, sessions),
    KeptSection {
        section: Section { name: "portfolios", version: 1 },
        save: |core, mut writer| core.portfolios.serialize(&mut writer),
        load: load_portfolios,
    },
    KeptSection {
        section: Section { name: "accounts", version: 2 },
        save: save_accounts,
        load: load_accounts,
    },
    KeptSection {
        section: Section { name: "orders", version: Orders::VERSION },
        save: |core, mut writer| core.orders.serialize(&mut writer),
        load: |core, version, mut reader| {
            core.orders = Orders::read(version, &mut reader)?;
            Ok(())
        },
    },
    field!("executions", 1, executions),
    field!("suspense", 1, suspense),
    field!("asks", 1, asks),
    KeptSection { section: Section { name: "broken", version: 1 }, save: save_broken, load: load_broken },
    field!("clock", 1, clock),
    field!("remembered", 1, remembered),
];

/// Every section, in order.
fn sections() -> impl Iterator<Item = &'static KeptSection> {
    HOT.iter().chain(KEPT_PARTS)
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

/// What their limits arm is worked out again.
fn load_portfolios(core: &mut Core, _: u16, mut reader: &mut dyn Read) -> Result<()> {
    core.portfolios = BorshDeserialize::deserialize_reader(&mut reader)?;
    core.portfolios.iter_mut().for_each(Portfolio::arm);
    Ok(())
}

fn save_accounts(core: &Core, mut writer: &mut dyn Write) -> Result<()> {
    core.accounts.serialize(&mut writer)
}

/// Their names are found again from themselves. In version 1 each had its cash movements behind it.
fn load_accounts(core: &mut Core, version: u16, mut reader: &mut dyn Read) -> Result<()> {
    if version == 1 {
        let accounts = Table::<(Account, References)>::deserialize_reader(&mut reader)?;
        core.accounts = accounts.map(|(account, references)| {
            references.values().for_each(|cash_move| core.movements.insert(cash_move, UNDATED));
            account
        });
    } else {
        core.accounts = BorshDeserialize::deserialize_reader(&mut reader)?;
    }
    core.accounts.iter_mut().for_each(Account::arm);
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
        sections().map(|part| part.section)
    }

    /// Writes one section, in its newest version.
    pub fn save(&self, section: Section, writer: &mut dyn Write) -> Result<()> {
        let part = sections().find(|part| part.section == section);
        part.map_or_else(|| Err(Error::from(ErrorKind::NotFound)), |part| (part.save)(self, writer))
    }

    /// Reads one section, all of `bytes`.
    pub fn load(
        &mut self,
        name: &str,
        version: u16,
        mut bytes: &[u8],
    ) -> core::result::Result<(), SectionError> {
        let Some(part) = sections().find(|part| part.section.name == name) else {
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
        sections().try_for_each(|part| (part.save)(self, writer))
    }

    /// Reads a state back from [`Core::encode`].
    pub fn decode<R: Read>(reader: &mut R) -> Result<Self> {
        let mut core = Self::default();
        sections().try_for_each(|part| (part.load)(&mut core, part.section.version, reader))?;
        Ok(core)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec::Vec;
    use model::{
        AccountDefinition, AccountId, Amount, CashMove, CashMoveKind, Currency, FeeSchedule, Money, Name,
        PortfolioId, Reference, SessionId,
    };

    #[test]
    fn names_are_short_and_given_once() {
        let names: Vec<&str> = Core::sections().map(|section| section.name).collect();
        for (at, name) in names.iter().enumerate() {
            assert!(name.len() <= 16 && name.bytes().all(|byte| byte.is_ascii_lowercase()), "{name}");
            assert!(!names[at + 1..].contains(name), "{name}");
        }
    }

    /// Snapshots of programs before had each account's cash movements behind it.
    #[test]
    fn accounts_of_version_1_bring_their_cash_movements() {
        let reference = Reference::cut("M1");
        let money = Money { amount: "5".parse().unwrap(), currency: Currency::new("USD").unwrap() };
        let id = AccountId::new(3);
        let cash_move = CashMove { account: id, kind: CashMoveKind::Deposit, money, reference };
        let (mut before, mut now) = (Table::default(), Core::default());
        let mut references = References::default();
        references.insert(reference, cash_move);
        let account = Account::new(AccountDefinition {
            id,
            name: Name::new("ALPHA").unwrap(),
            portfolio: PortfolioId::new(0),
            session: SessionId::new(0),
            fees: FeeSchedule { rate_bps: Amount::ZERO, per_unit: Amount::ZERO },
        });
        assert!(before.insert(3, (account.clone(), references)) && now.accounts.insert(3, account));
        now.account_names.insert(Name::new("ALPHA").unwrap(), id);
        now.movements.insert(&cash_move, UNDATED);
        let mut read = Core::default();
        read.load("accounts", 1, &borsh::to_vec(&before).unwrap()).unwrap();
        assert_eq!(read, now);
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
        assert!(later.contains("version 9") && later.contains("up to 2"), "{later}");
        assert!(matches!(read.load("orders", 1, &[1, 2]), Err(SectionError::Damaged { name: "orders", .. })));
        let mut behind = Vec::new();
        full.save(Section { name: "shard", version: 1 }, &mut behind).unwrap();
        behind.push(0);
        assert!(matches!(read.load("shard", 1, &behind), Err(SectionError::Damaged { .. })));
    }
}
