//! What was acknowledged, as a file beside what a trial leaves: so that it can be judged again later.

use std::collections::BTreeMap;
use std::path::Path;

use model::{ClOrdId, Name, OrderId};

use super::TrialError;

/// Every order that was acknowledged, with its account and the strategy's own identifier.
pub(crate) type Acknowledged = BTreeMap<OrderId, (Name, ClOrdId)>;

const FILE: &str = "acknowledged.json";

/// Writes the file into a trial's folder.
pub(crate) fn write(acknowledged: &Acknowledged, root: &Path) -> Result<(), TrialError> {
    let path = root.join(FILE);
    let rows: Vec<[String; 3]> = acknowledged
        .iter()
        .map(|(order, (account, cl_ord_id))| [order.to_string(), account.to_string(), cl_ord_id.to_string()])
        .collect();
    let text = serde_json::to_vec(&rows).map_err(|error| TrialError::Unexpected(error.to_string()))?;
    std::fs::write(&path, text).map_err(TrialError::io(format!("cannot write {}", path.display())))
}

/// Reads it again.
pub(crate) fn read(root: &Path) -> Result<Acknowledged, TrialError> {
    let path = root.join(FILE);
    let bytes = std::fs::read(&path).map_err(TrialError::io(format!("cannot read {}", path.display())))?;
    let unreadable = |what: String| TrialError::Unexpected(format!("{}: {what}", path.display()));
    let rows: Vec<[String; 3]> =
        serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
    let parse = |[order, account, cl_ord_id]: &[String; 3]| {
        Some((order.parse().ok()?, (Name::new(account).ok()?, ClOrdId::new(cl_ord_id).ok()?)))
    };
    rows.iter().map(|row| parse(row).ok_or_else(|| unreadable(format!("{row:?} is no order")))).collect()
}
