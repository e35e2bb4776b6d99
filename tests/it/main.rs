//! What Fanfare promises, tried from outside: a module per capability.

mod hub;
mod models;
