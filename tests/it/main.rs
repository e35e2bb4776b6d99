//! What Fanfare promises, tried from outside: a module per capability.

mod no_poison;
mod payloads;
mod second_parser;
