//! The replies of a session as frames.
//!
//! That of a send is written field by field, with no allocation: they are what
//! a fast publisher is answered.

use prost::Message;
use prost::encoding::encoded_len_varint;

use super::{PREFIX, key, prefix, varint};
use crate::hub::Receipt;
use crate::model::Epoch;
use crate::rpc::wire::reply::Result as Outcome;
use crate::rpc::wire::session_response::Frame as Kind;
use crate::rpc::wire::{Reply, SessionResponse};

/// Where something was sent.
#[derive(Clone, Copy, Debug)]
pub(in crate::rpc) enum To {
    /// An event to a channel.
    Channel,
    /// A broadcast.
    All,
}

/// The fields of a `SessionResponse` with the reply to a send.
mod field {
    pub(super) const REPLY: u8 = 15;
    pub(super) const ID: u8 = 1;
    pub(super) const SEND: u8 = 4;
    pub(super) const BROADCAST: u8 = 5;
    pub(super) const POSITION: u8 = 1;
    pub(super) const EPOCH: u8 = 1;
    pub(super) const SEQUENCE: u8 = 2;
    pub(super) const RECIPIENTS: u8 = 2;
    pub(super) const DUPLICATE: u8 = 3;
}

/// Appends the reply to the request `id`.
pub(in crate::rpc) fn reply(id: u64, outcome: Outcome, into: &mut Vec<u8>) {
    let reply = Reply {
        id,
        result: Some(outcome),
    };
    let message = SessionResponse {
        frame: Some(Kind::Reply(reply)),
    };
    prefix(message.encoded_len(), into);
    message.encode_raw(into);
}

/// Appends the reply to a send.
pub(in crate::rpc) fn sent(id: u64, to: To, receipt: Receipt, epoch: &Epoch, into: &mut Vec<u8>) {
    let tag = match to {
        To::Channel => field::SEND,
        To::All => field::BROADCAST,
    };
    let epoch = epoch.as_str().as_bytes();
    let position = 2 + epoch.len() + number_len(receipt.sequence);
    let mut response = 2 + position;
    if receipt.recipients > 0 {
        response += number_len(receipt.recipients.into());
    }
    if receipt.duplicate {
        response += number_len(true.into());
    }
    let reply = number_len(id) + 2 + response;
    let start = into.len();
    // A prefix, its length in the last of four bytes.
    into.extend_from_slice(&[
        0,
        0,
        0,
        0,
        short(2 + reply),
        key(field::REPLY),
        short(reply),
    ]);
    number(field::ID, id, into);
    into.extend_from_slice(&[
        key(tag),
        short(response),
        key(field::POSITION),
        short(position),
        key(field::EPOCH),
        short(epoch.len()),
    ]);
    into.extend_from_slice(epoch);
    number(field::SEQUENCE, receipt.sequence, into);
    if receipt.recipients > 0 {
        number(field::RECIPIENTS, receipt.recipients.into(), into);
    }
    if receipt.duplicate {
        number(field::DUPLICATE, true.into(), into);
    }
    debug_assert_eq!(into.len() - start, PREFIX + 2 + reply, "counted as written");
}

fn number_len(value: u64) -> usize {
    1 + encoded_len_varint(value)
}

fn number(field: u8, value: u64, into: &mut Vec<u8>) {
    into.push(field << 3);
    varint(value, into);
}

/// The length of a message of under 128 bytes: an epoch is of 32, and three
/// numbers are at most 25.
fn short(len: usize) -> u8 {
    debug_assert!(len < 128, "a length of one byte");
    u8::try_from(len).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::frame::position;
    use crate::rpc::wire::{BroadcastResponse, SendResponse};

    fn receipt(sequence: u64, recipients: u32, duplicate: bool) -> Receipt {
        Receipt {
            sequence,
            recipients,
            duplicate,
        }
    }

    #[test]
    fn what_is_written_field_by_field_is_what_prost_writes() {
        let epoch = Epoch::new();
        let receipts = [
            receipt(1, 0, false),
            receipt(1 << 53, u32::MAX, true),
            receipt(127, 128, false),
        ];
        for (receipt, id) in receipts.into_iter().zip([1, u64::MAX, 300]) {
            let place = crate::model::Position {
                epoch: epoch.clone(),
                sequence: receipt.sequence,
            };
            let send = SendResponse {
                position: Some(position(&place)),
                recipients: receipt.recipients,
                duplicate: receipt.duplicate,
            };
            let broadcast = BroadcastResponse {
                position: send.position.clone(),
                recipients: send.recipients,
                duplicate: send.duplicate,
            };
            let (mut expected, mut written) = (vec![7], vec![7]);
            reply(id, Outcome::Send(send), &mut expected);
            reply(id, Outcome::Broadcast(broadcast), &mut expected);
            sent(id, To::Channel, receipt, &epoch, &mut written);
            sent(id, To::All, receipt, &epoch, &mut written);
            assert_eq!(written, expected);
        }
    }
}
