//! What the tables of the state ask for.

/// Something that a table of the state grows by, as many pieces as should be there ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Room for orders.
    Orders,
    /// Room for their names.
    Names,
    /// Room for their identities, and those of requests.
    Pages,
    /// Room for what replaced and cancelled orders have beside.
    Amended,
    /// Room for cancel and replace requests.
    Requests,
    /// Room for executions.
    Executions,
    /// Room for their names.
    ExecutionNames,
    /// Room for what an account is to get or to pay on some days.
    Dates,
}
