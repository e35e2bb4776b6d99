//! The fields of a protobuf message, of which only those asked for are read.

/// What a field has: a number, or bytes of any other kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of `message` with their numbers, up to its end or to what is no
/// field.
pub(super) fn fields(mut message: &[u8]) -> impl Iterator<Item = (u64, Content<'_>)> {
    std::iter::from_fn(move || field(&mut message))
}

/// The last field of this number if it has bytes; none if there is none.
pub(super) fn bytes(message: &[u8], number: u64) -> Option<&[u8]> {
    let all = fields(message).filter(|(found, _)| *found == number);
    match all.last()? {
        (_, Content::Bytes(bytes)) => Some(bytes),
        (_, Content::Number(_)) => None,
    }
}

/// The last field of this number if it is a number; 0 if there is none, as
/// protobuf has it.
pub(super) fn number(message: &[u8], number: u64) -> u64 {
    let all = fields(message).filter(|(found, _)| *found == number);
    match all.last() {
        Some((_, Content::Number(value))) => value,
        _ => 0,
    }
}

fn field<'a>(message: &mut &'a [u8]) -> Option<(u64, Content<'a>)> {
    let key = varint(message)?;
    let content = match key & 7 {
        0 => Content::Number(varint(message)?),
        1 => Content::Bytes(message.split_off(..8)?),
        2 => {
            let length = usize::try_from(varint(message)?).ok()?;
            Content::Bytes(message.split_off(..length)?)
        }
        5 => Content::Bytes(message.split_off(..4)?),
        _ => return None,
    };
    Some((key >> 3, content))
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = message.split_off_first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Field 1 a number, 2 bytes, 3 eight bytes, 4 four bytes, and 2 again.
    const MESSAGE: [u8; 27] = [
        8, 0xac, 2, 18, 2, 7, 8, 25, 0, 0, 0, 0, 0, 0, 0, 1, 37, 0, 0, 0, 2, 18, 1, 9, 40, 1, 40,
    ];

    #[test]
    fn a_field_is_found_behind_others_of_every_kind() {
        assert_eq!(number(&MESSAGE, 1), 300);
        assert_eq!(bytes(&MESSAGE, 2), Some(&[9][..]));
        assert_eq!(bytes(&MESSAGE, 3), Some(&[0, 0, 0, 0, 0, 0, 0, 1][..]));
        assert_eq!(number(&MESSAGE, 5), 1);
        assert_eq!((number(&MESSAGE, 6), bytes(&MESSAGE, 6)), (0, None));
        assert_eq!(fields(&MESSAGE).count(), 6);
    }

    #[test]
    fn what_is_cut_off_or_no_message_ends_the_fields() {
        for end in 0..MESSAGE.len() {
            assert!(fields(&MESSAGE[..end]).count() <= 6, "cut at {end}");
        }
        assert_eq!(fields(&[18, 0xff, 0xff, 0xff, 0xff, 0xff, 1]).count(), 0);
        assert_eq!(fields(&[11]).count(), 0);
        assert_eq!(fields(&[0xff; 20]).count(), 0);
    }
}
