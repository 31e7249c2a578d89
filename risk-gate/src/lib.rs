//! Pre-trade risk: an ordered list of pure rules.
//!
//! [`approve`] runs [`RULES`] in order over the facts of one order ([`FactsRef`]) and gives either an [`Approved`] order,
//! which nothing else can make, or a [`model::Denial`] with the limit and the actual. The order of the list is
//! the order of the table in `ARCHITECTURE.md` and of the table test.
#![no_std]

mod approved;
mod armed;
mod facts;
mod rules;

pub use approved::{Approved, Reservation};
pub use armed::Armed;
pub use facts::{Facts, FactsRef, Halted, Terms};
pub use rules::{RULES, Rule, backlogged};

use model::Denial;

/// Runs every rule that is armed over the facts; the first refusal wins.
#[inline]
pub fn approve(facts: &FactsRef<'_>) -> Result<Approved, Denial> {
    let mut case = rules::Case::new(facts);
    rules::check(&mut case)?;
    Ok(Approved::new(facts.terms, *case.reservation()))
}
