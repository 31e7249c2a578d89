//! `[approvals]`: what needs a second person.

use model::{Amount, Currency};

use super::section::Section;
use super::source::Located;
use super::value;

/// What needs a second person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalsEntry {
    /// A move of cash of more than this; a currency that is not here needs none.
    pub cash_above: Vec<Located<(Currency, Amount)>>,
    /// How long a request waits, in seconds.
    pub expires_s: u32,
}

/// A day: whoever asks on one day finds somebody on the next.
const EXPIRES_S: u32 = 86_400;
/// A month: what waits longer has been forgotten.
const MOST_EXPIRES_S: u32 = 30 * 86_400;

impl Default for ApprovalsEntry {
    fn default() -> Self {
        Self { cash_above: Vec::new(), expires_s: EXPIRES_S }
    }
}

pub(super) fn read(section: Section<'_>) -> ApprovalsEntry {
    let cash_above = section.table("cash_above").map(|table| amounts(&table)).unwrap_or_default();
    let expires_s = section.optional("expires_s", value::whole(1, MOST_EXPIRES_S));
    section.finish();
    ApprovalsEntry { cash_above, expires_s: expires_s.map_or(EXPIRES_S, |seconds| seconds.value) }
}

fn amounts(table: &Section<'_>) -> Vec<Located<(Currency, Amount)>> {
    table.entries(|code, value| {
        let currency = value::currency_code(code)?;
        Ok((currency, Amount::new(value::not_negative(value)?)))
    })
}
