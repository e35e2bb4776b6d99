//! A place in the life of a node, as messages have it.

use prost_reflect::DynamicMessage;
use serde_json::{Value, json};

use super::fields;

pub(crate) use fanfare::client::Position;

/// The position in a field of `of`, if it is set.
pub(crate) fn in_field(of: &DynamicMessage, name: &str) -> Option<Position> {
    let position = fields::message(of, name)?;
    Some(Position {
        epoch: fields::text(&position, "epoch"),
        sequence: fields::number(&position, "sequence"),
    })
}

/// As proto3's JSON has it.
pub(crate) fn to_json(position: &Position) -> Value {
    json!({"epoch": position.epoch, "sequence": position.sequence})
}
