//! HTTP/2 frames, read and written, and the few headers that a request needs.
//!
//! A [`Reader`] gives DATA piece by piece, as it is read, and every other frame
//! whole. It leaves HPACK in answers alone.

use std::cmp::min;

/// Bytes of a frame's head.
const HEAD: usize = 9;

/// The most that a frame may carry: what a peer allows unless it says more.
pub(super) const LARGEST: usize = 16_384;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;

/// Of DATA and HEADERS: the last of its stream.
pub(super) const END_STREAM: u8 = 1;
/// Of SETTINGS and PING: an answer.
pub(super) const ACK: u8 = 1;
/// Of HEADERS: no CONTINUATION follows.
pub(super) const END_HEADERS: u8 = 4;

/// What a frame's head says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
}

impl Head {
    pub(super) fn ends_stream(self) -> bool {
        matches!(self.kind, DATA | HEADERS) && self.flags & END_STREAM != 0
    }
}

/// A frame, or a piece of a DATA frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) head: Head,
    pub(super) bytes: &'a [u8],
    /// Whether the frame ends here.
    pub(super) last: bool,
}

/// Cuts the bytes of a connection into frames, however they are read.
#[derive(Debug, Default)]
pub(super) struct Reader {
    begun: [u8; HEAD],
    have: usize,
    head: Head,
    left: usize,
    kept: Vec<u8>,
}

impl Reader {
    /// The next part of `input`, which is shortened by it; none if it is used
    /// up.
    pub(super) fn next<'a, 'b: 'a>(&'a mut self, input: &mut &'b [u8]) -> Option<Part<'a>> {
        if self.have < HEAD {
            self.begin(input)?;
        }
        let size = min(self.left, input.len());
        if size == 0 && self.left > 0 {
            return None;
        }
        let (bytes, rest) = input.split_at(size);
        *input = rest;
        self.left -= size;
        let last = self.left == 0;
        let head = self.head;
        if last {
            self.have = 0;
        }
        if head.kind == DATA {
            return Some(Part { head, bytes, last });
        }
        self.kept.extend_from_slice(bytes);
        last.then_some(Part {
            head,
            bytes: &self.kept,
            last,
        })
    }

    /// Reads a head, if it is all there.
    fn begin(&mut self, input: &mut &[u8]) -> Option<()> {
        let size = min(HEAD - self.have, input.len());
        let (bytes, rest) = input.split_at(size);
        *input = rest;
        self.begun[self.have..self.have + size].copy_from_slice(bytes);
        self.have += size;
        if self.have < HEAD {
            return None;
        }
        let [a, b, c, kind, flags, stream @ ..] = self.begun;
        self.left = u32::from_be_bytes([0, a, b, c]) as usize;
        self.head = Head {
            kind,
            flags,
            stream: u32::from_be_bytes(stream) & !(1 << 31),
        };
        self.kept.clear();
        Some(())
    }
}

/// Appends a frame of at most [`LARGEST`] bytes.
pub(super) fn write(head: Head, bytes: &[u8], out: &mut Vec<u8>) {
    let length = u32::try_from(bytes.len()).expect("at most LARGEST");
    out.extend_from_slice(&length.to_be_bytes()[1..]);
    out.extend_from_slice(&[head.kind, head.flags]);
    out.extend_from_slice(&head.stream.to_be_bytes());
    out.extend_from_slice(bytes);
}

/// The header block of each request to one method, in HPACK.
///
/// The first puts four headers into the peer's table, the others name them.
#[derive(Debug)]
pub(super) struct Requests {
    first: Option<Vec<u8>>,
}

/// `:method: POST` and `:scheme: http` of the static table.
const POST_HTTP: [u8; 2] = [0x83, 0x86];

/// The four of the dynamic table, the oldest first: 65 to 62.
const AGAIN: [u8; 4] = [0xc1, 0xc0, 0xbf, 0xbe];

impl Requests {
    /// `authority` and `method` have fewer than 127 bytes each.
    pub(super) fn new(authority: &str, method: &str) -> Self {
        let mut block = POST_HTTP.to_vec();
        // Literals to be indexed: a name of the static table, or 0 and a name.
        text(
            0x44,
            &format!("/fanfare.v1.RealtimeService/{method}"),
            &mut block,
        );
        text(0x41, authority, &mut block);
        text(0x5f, "application/grpc", &mut block);
        text(0x40, "te", &mut block);
        block.push(8);
        block.extend_from_slice(b"trailers");
        Self { first: Some(block) }
    }

    /// Appends the headers of a request on `stream`.
    pub(super) fn write(&mut self, stream: u32, out: &mut Vec<u8>) {
        let head = Head {
            kind: HEADERS,
            flags: END_HEADERS,
            stream,
        };
        match self.first.take() {
            Some(block) => write(head, &block, out),
            None => write(head, &[&POST_HTTP[..], &AGAIN].concat(), out),
        }
    }
}

/// Appends a literal: how its name is given, then its text, not Huffman coded.
fn text(name: u8, text: &str, block: &mut Vec<u8>) {
    block.push(name);
    block.push(u8::try_from(text.len().min(126)).expect("below 127"));
    block.extend_from_slice(&text.as_bytes()[..text.len().min(126)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(kind: u8, stream: u32) -> Head {
        Head {
            kind,
            flags: 0,
            stream,
        }
    }

    /// Three frames, one of them empty, and their bytes.
    fn three() -> (Vec<(Head, Vec<u8>)>, Vec<u8>) {
        let frames = vec![
            (head(DATA, 1), vec![1; 20]),
            (head(SETTINGS, 0), Vec::new()),
            (head(PING, 0), vec![2; 8]),
            (head(DATA, 0x0102_0304), vec![3; 3]),
        ];
        let mut bytes = Vec::new();
        for (head, content) in &frames {
            write(*head, content, &mut bytes);
        }
        (frames, bytes)
    }

    fn read(reads: &[&[u8]]) -> Vec<(Head, Vec<u8>)> {
        let mut reader = Reader::default();
        let mut frames = Vec::new();
        let mut begun = Vec::new();
        for mut input in reads.iter().copied() {
            while let Some(part) = reader.next(&mut input) {
                begun.extend_from_slice(part.bytes);
                if part.last {
                    frames.push((part.head, std::mem::take(&mut begun)));
                }
            }
            assert!(input.is_empty());
        }
        frames
    }

    #[test]
    fn frames_are_the_same_wherever_they_are_cut() {
        let (frames, bytes) = three();
        for cut in 0..=bytes.len() {
            let (before, after) = bytes.split_at(cut);
            assert_eq!(read(&[before, after]), frames, "cut at {cut}");
        }
        let single: Vec<_> = bytes.chunks(1).collect();
        assert_eq!(read(&single), frames);
    }

    #[test]
    fn headers_are_spelt_once_and_named_after_that() {
        let mut requests = Requests::new("a:1", "Send");
        let mut out = Vec::new();
        requests.write(1, &mut out);
        let block = &out[HEAD..];
        let expected = b"\x83\x86\x44\x20/fanfare.v1.RealtimeService/Send\x41\x03a:1\
                         \x5f\x10application/grpc\x40\x02te\x08trailers";
        assert_eq!(block, expected);
        out.clear();
        requests.write(3, &mut out);
        assert_eq!(out, b"\0\0\x06\x01\x04\0\0\0\x03\x83\x86\xc1\xc0\xbf\xbe");
    }
}
