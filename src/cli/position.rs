//! A place in the life of a node, as it is written on a command line.

use std::fmt;
use std::str::FromStr;

use prost_reflect::{DynamicMessage, Value as Dynamic};
use serde_json::{Value, json};

use super::{fields, json};

/// `EPOCH:SEQUENCE`. The epoch is opaque, and may have colons itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) epoch: String,
    pub(crate) sequence: u64,
}

impl Position {
    /// The position in a field of `of`, if it is set.
    pub(crate) fn in_field(of: &DynamicMessage, name: &str) -> Option<Self> {
        let position = fields::message(of, name)?;
        Some(Self {
            epoch: fields::text(&position, "epoch"),
            sequence: fields::number(&position, "sequence"),
        })
    }

    /// As the message of the service.
    pub(crate) fn message(&self) -> DynamicMessage {
        let descriptor = json::message("fanfare.v1.Position").expect("the proto has it");
        let mut message = DynamicMessage::new(descriptor);
        message.set_field_by_name("epoch", Dynamic::String(self.epoch.clone()));
        message.set_field_by_name("sequence", Dynamic::U64(self.sequence));
        message
    }

    /// As proto3's JSON has it.
    pub(crate) fn json(&self) -> Value {
        json!({"epoch": self.epoch, "sequence": self.sequence})
    }
}

impl FromStr for Position {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "it has the form EPOCH:SEQUENCE, as `fanfare history` ends with";
        let (epoch, sequence) = text.rsplit_once(':').ok_or(wrong)?;
        match sequence.parse() {
            Ok(sequence) if !epoch.is_empty() => Ok(Self {
                epoch: epoch.to_owned(),
                sequence,
            }),
            _ => Err(wrong),
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_reads_as_it_is_written() {
        for text in ["5bcf:12", "e:0", "a:b:9007199254740991"] {
            assert_eq!(text.parse::<Position>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_position_says_the_form() {
        for text in ["", "12", ":12", "e:", "e:x", "e:-1", "e:1.5"] {
            let reason = text.parse::<Position>().unwrap_err();
            assert!(reason.contains("EPOCH:SEQUENCE"), "{text}");
        }
    }
}
