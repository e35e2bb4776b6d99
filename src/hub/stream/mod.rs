//! One stream: what it asks for, where it begins, and its cursors, which merge
//! what its channels hold into one order.

pub(super) mod chunk;
pub(super) mod open;
pub(super) mod request;
pub(super) mod select;
pub(super) mod start;
pub(super) mod subscription;

mod cursors;
mod joining;
mod leaving;
mod line;
mod named;
mod opening;
mod patterns;
mod slot;
mod slots;
mod subscribe;
