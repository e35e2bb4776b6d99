//! The log against a naive list.
