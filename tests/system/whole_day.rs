//! A whole day of real quotes at full speed; then every position, profit and cash balance is computed once more from
//! the broker's own log, in integers, with no code of the core.

use crate::common;
use crate::recompute::{Books, fixed};

#[test]
fn a_day_of_real_quotes_reconciles_exactly() {
    let Some(quotes) = common::shared("us-equities-2013-10-07-quotes-1s.csv.gz") else { return };
    let dir = tempfile::tempdir().unwrap();
    let kept = dir.path().join("day");
    let kept_text = kept.to_str().unwrap();
    let quotes = quotes.to_str().unwrap();
    let shown = common::demo(&[
        "--quotes", quotes, "--speed", "max", "--orders", "1000000", "--rate", "0", "--kills", "0", "--keep",
        kept_text,
    ]);
    for proof in ["executions_once", "orders_once", "ledger_zero", "replay_equal"] {
        assert_eq!(shown["proofs"][proof], true, "{proof}: {}", shown["proof_details"]);
    }
    let theirs = Books::from_log(&kept, &arrivals(&kept));
    assert!(theirs.fills > 500, "the day had only {} fills", theirs.fills);
    compare_positions(&kept, &theirs);
    compare_cash(&kept, &theirs);
}

/// ExecIDs of executions, in the order of the journal.
fn arrivals(kept: &std::path::Path) -> Vec<String> {
    let dump = common::succeed(
        common::gannet().args(["journal", "dump", "--json", "--journal"]).arg(kept.join("journal")),
    );
    let records = serde_json::Deserializer::from_slice(&dump.stdout).into_iter::<serde_json::Value>();
    records
        .map(Result::unwrap)
        .filter_map(|record| {
            let report = record.pointer("/body/execution_report")?;
            (report["exec_type"] == "trade").then(|| report["exec_id"].as_str().unwrap().to_owned())
        })
        .collect()
}

fn compare_positions(kept: &std::path::Path, theirs: &Books) {
    let ours = common::json(common::gannet().arg("positions").arg("--journal").arg(kept.join("journal")));
    let rows = ours.as_array().unwrap();
    for row in rows {
        let text = |key: &str| row[key].as_str().unwrap().to_owned();
        let holding = &theirs.holdings[&(text("account"), text("symbol"))];
        assert_eq!(fixed(&text("quantity"), 0), holding.position, "{row}");
        assert_eq!(fixed(&text("realised"), 8), holding.realised, "{row}");
        let value = holding.position * fixed(&text("mark"), 8);
        assert_eq!(fixed(&text("unrealised"), 8), value - holding.cost, "{row}");
    }
    let traded = theirs.holdings.values().filter(|holding| holding.fills > 0).count();
    assert_eq!(rows.len(), traded, "{ours}");
}

fn compare_cash(kept: &std::path::Path, theirs: &Books) {
    let ours = common::json(common::gannet().arg("cash").arg("--journal").arg(kept.join("journal")));
    for row in ours.as_array().unwrap() {
        let text = |key: &str| row[key].as_str().unwrap().to_owned();
        let cash = theirs.cash.get(&(text("account"), text("currency"))).copied().unwrap_or_default();
        let opening = fixed("5000000", 8);
        assert_eq!(fixed(&text("settled"), 8) + fixed(&text("unsettled"), 8), opening + cash.moved, "{row}");
        assert_eq!(fixed(&text("fees"), 8), cash.fees, "{row}");
        assert_eq!(fixed(&text("reserved"), 8), 0, "{row}");
    }
}
