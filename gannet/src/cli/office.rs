//! What the listings of the office have in common.

use wire::{Answer, OfficeFilter, OfficePage, Request};

use super::output::Output;
use super::source::Source;
use super::{Failure, answers};

/// Every row, page by page. `ask` makes the request, `page` takes the page out of its answer.
pub(super) fn every<R>(
    source: &Source,
    open: bool,
    out: &mut Output,
    ask: impl Fn(OfficeFilter) -> Request,
    page: impl Fn(Answer) -> Result<OfficePage<R>, Answer>,
) -> Result<Vec<R>, Failure> {
    let mut opened = source.open(out)?;
    let (mut rows, mut filter) = (Vec::new(), OfficeFilter { open, ..OfficeFilter::default() });
    loop {
        let answer = opened.ask(&ask(filter))?;
        let page = page(answer).map_err(|other| answers::failure(&other))?;
        rows.extend(page.rows);
        filter.after = page.next;
        if filter.after.is_none() {
            return Ok(rows);
        }
    }
}
