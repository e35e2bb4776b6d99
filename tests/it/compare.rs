//! The table of `cargo bench --bench compare`: its arithmetic and its page.
//! The servers are compared there, and not here.

mod checks;
mod figures;
mod numbers;
mod page;
mod rows;

#[path = "../../benches/compare/table/mod.rs"]
#[allow(dead_code, unused_imports, reason = "what measures is not here")]
mod table;
