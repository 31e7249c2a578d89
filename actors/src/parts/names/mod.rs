//! Names of what decides nothing: strategies and brokers. Orders and executions carry their numbers; the names are kept so
//! that whoever reads the journal, years later and without a configuration, reads names. And how often anything was
//! defined: a directory of names that was made earlier sees that it is no longer whole.

use borsh::io::{Read, Result, Write};
use borsh::{BorshDeserialize, BorshSerialize};
use machine::Violation;
use model::{
    BrokerDefinition, BrokerId, Denial, DenyReason, Event, Name, PortfolioId, StrategyDefinition, StrategyId,
};

use crate::fact::Fact;
use crate::fingerprint::Changed;
use crate::hands::Hands;
use crate::must::must;
use crate::part::{Obeys, Part};
use crate::{Core, Outcome};

mod state;

pub(crate) use state::Directories;

/// As folded into the fingerprint, beside the kinds of `apply/define.rs`.
const STRATEGY: u64 = 5;
const BROKER: u64 = 6;

impl Part for Directories {
    const SECTION: &'static str = "names";
    const VERSION: u16 = 1;

    #[inline]
    fn hear(&mut self, fact: &Fact) {
        if *fact == Fact::Defined {
            self.count();
        }
    }

    fn save(&self, mut writer: &mut dyn Write) -> Result<()> {
        self.serialize(&mut writer)
    }

    fn load(_: u16, mut reader: &mut dyn Read) -> Result<Self> {
        Self::deserialize_reader(&mut reader)
    }

    /// Each strategy is of a portfolio that is there, and a name is one strategy's of a portfolio.
    fn verify(&self, see: &Core) -> core::result::Result<(), Violation> {
        self.all_strategies().try_for_each(|((portfolio, id), name)| {
            let is_sound =
                see.portfolio(*portfolio).is_some() && bearer(self, *portfolio, *name) == Some(*id);
            let said = format_args!("{portfolio} {id}: {name}");
            must(is_sound, "a strategy is of a portfolio that is there, under a name of its own", said)
        })
    }
}

/// The first strategy of a portfolio with this name.
fn bearer(names: &Directories, portfolio: PortfolioId, name: Name) -> Option<StrategyId> {
    names.strategies(portfolio).find(|(_, known)| *known == name).map(|(id, _)| id)
}

fn bad() -> Denial {
    Denial::of(DenyReason::BadDefinition)
}

impl Obeys<StrategyDefinition> for Directories {
    type Plan = ();

    /// Number 0 is a person's, who has no name.
    fn check(&self, see: &Core, definition: &StrategyDefinition) -> core::result::Result<(), Denial> {
        see.portfolio(definition.portfolio).ok_or(Denial::of(DenyReason::UnknownPortfolio))?;
        let bearer = bearer(self, definition.portfolio, definition.name);
        let taken = bearer.is_some_and(|bearer| bearer != definition.id);
        if taken || definition.name.is_empty() || definition.id.index == 0 { Err(bad()) } else { Ok(()) }
    }

    fn commit(&mut self, hands: &mut Hands<'_>, definition: &StrategyDefinition, (): (), out: &mut Outcome) {
        let StrategyDefinition { portfolio, id, name } = *definition;
        self.name_strategy((portfolio, id), name);
        hands.note(Changed::Definition, STRATEGY, u64::from(portfolio.index) << 16 | u64::from(id.index));
        out.event(Event::Done);
    }
}

impl Obeys<BrokerDefinition> for Directories {
    type Plan = ();

    fn check(&self, _: &Core, definition: &BrokerDefinition) -> core::result::Result<(), Denial> {
        let bearer = self.brokers().find(|(_, known)| *known == definition.name);
        let taken = bearer.is_some_and(|(bearer, _)| bearer != definition.id);
        if taken || definition.name.is_empty() { Err(bad()) } else { Ok(()) }
    }

    fn commit(&mut self, hands: &mut Hands<'_>, definition: &BrokerDefinition, (): (), out: &mut Outcome) {
        self.name_broker(definition.id, definition.name);
        hands.note(Changed::Definition, BROKER, definition.id.index.into());
        out.event(Event::Done);
    }
}

impl Core {
    /// The strategies of a portfolio that have a name, by number.
    pub fn strategies(&self, portfolio: PortfolioId) -> impl Iterator<Item = (StrategyId, Name)> {
        self.names.strategies(portfolio)
    }

    /// How often something was defined, or defined otherwise. Who keeps names of this state looks here whether they are
    /// still all.
    pub fn definitions(&self) -> u64 {
        self.names.definitions()
    }

    /// The brokers that have a name, by number.
    pub fn brokers(&self) -> impl Iterator<Item = (BrokerId, Name)> {
        self.names.brokers()
    }
}
