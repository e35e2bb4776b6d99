//! A place in the life of a node.

use std::fmt;
use std::str::FromStr;

use crate::rpc::client as proto;

/// Everything up to and including `sequence`, in the node's life `epoch`.
///
/// As text it is `EPOCH:SEQUENCE`, to be kept in a file or a table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// One run of the node. Opaque: compare for equality only.
    pub epoch: String,
    /// Rises strictly within an epoch, and stays below 2^53.
    pub sequence: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.sequence)
    }
}

impl FromStr for Position {
    type Err = NoPosition;

    fn from_str(text: &str) -> Result<Self, NoPosition> {
        // The epoch is opaque, and may have colons itself.
        let (epoch, sequence) = text.rsplit_once(':').ok_or(NoPosition)?;
        match sequence.parse() {
            Ok(sequence) if !epoch.is_empty() => Ok(Self {
                epoch: epoch.to_owned(),
                sequence,
            }),
            _ => Err(NoPosition),
        }
    }
}

/// A text that is no [`Position`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a position has the form EPOCH:SEQUENCE")]
pub struct NoPosition;

impl From<proto::Position> for Position {
    fn from(position: proto::Position) -> Self {
        let proto::Position { epoch, sequence } = position;
        Self { epoch, sequence }
    }
}

impl From<Position> for proto::Position {
    fn from(position: Position) -> Self {
        let Position { epoch, sequence } = position;
        Self { epoch, sequence }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_reads_as_it_is_written() {
        for text in [
            "e:0",
            "a:b:7",
            "5bcf85a7fae04908866fc7a206b5a077:9007199254740991",
        ] {
            let position: Position = text.parse().unwrap();
            assert_eq!(position.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_position_says_what_would_be() {
        for text in ["", "12", ":12", "e:", "e:x", "e:-1", "e:1.5"] {
            let error = text.parse::<Position>().unwrap_err().to_string();
            assert!(error.contains("EPOCH:SEQUENCE"), "{text}");
        }
    }
}
