//! The paths, in the order of the table.

pub(crate) mod append;
mod core_path;
pub(crate) mod disk;
mod fix;
mod memory;
mod neighbour;
mod parts;
mod population;
#[cfg(feature = "quickfix")]
mod quickfix;
mod readers;
mod recovery;
mod replay;
mod requests;
pub(crate) mod ring;
mod snapshot;
mod stages;
mod throughput;
mod wire;

use crate::alternatives;
use crate::error::PerfError;
use crate::lab::Lab;

/// A family of rows measured together.
struct Family {
    /// Prefix of its rows' names.
    name: &'static str,
    /// Runs only when named.
    on_request: bool,
    measure: fn(&mut Lab) -> Result<(), PerfError>,
}

const fn always(name: &'static str, measure: fn(&mut Lab) -> Result<(), PerfError>) -> Family {
    Family { name, on_request: false, measure }
}

const fn on_request(name: &'static str, measure: fn(&mut Lab) -> Result<(), PerfError>) -> Family {
    Family { name, on_request: true, measure }
}

const ALL: &[Family] = &[
    always("core.submit_to_gateway", core_path::measure),
    always("core.submit_to_gateway.conditions", core_path::conditions),
    always("core.submit_to_gateway.accounts", population::accounts),
    always("core.submit_to_gateway.open_orders", population::open_orders),
    always("core.cancel_replace", requests::requests),
    always("core.fill", requests::fills),
    always("shard.gap", snapshot::pause),
    always("risk.all_rules", parts::risk),
    always("core.apply.new_order", parts::apply),
    always("journal.append.process", append::process),
    always("journal.append.disk", append::disk),
    always("journal.load", append::under_load),
    always("journal.durable_lag", disk::durable_lag),
    always("wire.echo", wire::echo),
    #[cfg(feature = "quickfix")]
    always("wire.quickfix", quickfix::session),
    always("readers", readers::measure),
    always("throughput.one_shard", throughput::one_shard),
    always("throughput.two_shards", throughput::two_shards),
    always("throughput.more_shards", throughput::more_shards),
    always("throughput.disk", throughput::disk),
    always("replay.records", replay::records),
    always("recovery", recovery::measure),
    always("memory.account_bytes", memory::account),
    always("fix.parse.execution_report", fix::parse),
    always("fix.encode.new_order_single", fix::encode),
    on_request("neighbour", neighbour::measure),
    on_request("stages", stages::measure),
    on_request("alternatives", alternatives::measure),
];

/// The families that `only` asks for: all of them, or those whose names begin as asked; where there is none, the one
/// that a row of that name belongs to.
fn chosen(only: &[String]) -> impl Iterator<Item = &'static Family> {
    let asks_for = |family: &Family| {
        only.iter().any(|asked| {
            family.name.starts_with(asked.as_str())
                || (asked.starts_with(family.name)
                    && !ALL.iter().any(|other| other.name.starts_with(asked.as_str())))
        })
    };
    ALL.iter().filter(move |family| if only.is_empty() { !family.on_request } else { asks_for(family) })
}

/// The names there are.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|family| family.name)
}

/// Measures what was asked for; what failed, by name.
pub(crate) fn measure(lab: &mut Lab) -> Vec<(&'static str, PerfError)> {
    let only = lab.options.only.clone();
    let families: Vec<_> = chosen(&only).collect();
    let mut failures = Vec::new();
    if families.is_empty() {
        failures.push(("--only", PerfError::Unexpected("there is no path of that name".to_owned())));
    }
    for (index, family) in families.iter().enumerate() {
        let started = std::time::Instant::now();
        eprint!("[{:>2}/{}] {:<33}", index + 1, families.len(), family.name);
        let outcome = (family.measure)(lab);
        match outcome {
            Ok(()) => eprintln!(" {:>5.1} s", started.elapsed().as_secs_f64()),
            Err(error) => {
                eprintln!(" failed: {error}");
                failures.push((family.name, error));
            }
        }
    }
    failures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_or_its_beginning_chooses() {
        let names = |only: &[&str]| {
            let only: Vec<String> = only.iter().map(|name| (*name).to_owned()).collect();
            chosen(&only).map(|family| family.name).collect::<Vec<_>>()
        };
        assert_eq!(names(&["journal.append"]), ["journal.append.process", "journal.append.disk"]);
        assert_eq!(names(&["alternatives.rings"]), ["alternatives"]);
        assert_eq!(names(&["core.submit_to_gateway.accounts"]), ["core.submit_to_gateway.accounts"]);
        assert!(!names(&[]).contains(&"stages"));
        assert!(names(&["nothing"]).is_empty());
    }
}
