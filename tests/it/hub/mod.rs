//! What the hub promises, by its public doors: no gRPC, and time that is
//! paused wherever it matters.

mod support;

mod choice;
mod gaps;
mod history;
mod leaving;
mod members;
mod observers;
mod order;
mod requests;
mod room;
mod stall;
