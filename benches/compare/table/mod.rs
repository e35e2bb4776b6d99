//! The table of what is compared: its rows, what they must show, and the page
//! that tells what they showed.
//!
//! Starts nothing and reads nothing, so `tests/it/compare.rs` has it too.

pub(crate) mod figures;

pub(crate) mod number;

pub(crate) mod check;

pub(crate) mod row;

mod against_peers;

mod against_itself;

mod held;

pub(crate) mod page;

pub(crate) use figures::{Figures, Finding, Metric};
pub(crate) use page::{found, page};
pub(crate) use row::{Case, Load, Peer, Row, Time};

/// What a row's cases gave.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) row: Row,
    /// For each run, a finding for each case, in their order.
    pub(crate) runs: Vec<Vec<Finding>>,
}

/// What the machine and the servers are: names and values.
pub(crate) type Machine = Vec<(&'static str, String)>;

/// All rows, in the order of the page.
pub(crate) fn rows() -> Vec<Row> {
    [against_peers::rows(), against_itself::rows(), held::rows()].concat()
}
