//! One HTTP/2 connection: what it says by itself, so that its streams need not.
//!
//! Acknowledges SETTINGS and PING, gives the connection's window back, keeps
//! the peer's windows, and turns GOAWAY and `RST_STREAM` into errors.

use super::frames::{self, Head, Part, Reader};

/// The window of each stream, and by how much the connection's is raised: so
/// much that no peer waits for it before half of it is given back.
pub(super) const WINDOW: u32 = 1 << 30;

/// What HTTP/2 gives without being asked: a window of 64 KiB less one.
const DEFAULT_WINDOW: i64 = 65_535;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const INITIAL_WINDOW: u16 = 4;

/// What a stream is told of.
#[derive(Debug)]
pub(super) enum Heard<'a> {
    /// A piece of DATA, and whether its frame ends with it.
    Data { bytes: &'a [u8], last: bool },
    /// The stream's last frame.
    End,
}

/// A connection's own state.
#[derive(Debug)]
pub(super) struct Connection {
    reader: Reader,
    taken: u32,
    /// Whether the peer has said hello.
    pub(super) is_open: bool,
    /// Bytes of DATA that may go out on the connection.
    pub(super) window: i64,
    /// Bytes of DATA that may go out on a new stream, and on stream 1 since.
    pub(super) initial_window: i64,
    pub(super) first_window: i64,
}

impl Connection {
    pub(super) fn new() -> Self {
        Self {
            reader: Reader::default(),
            taken: 0,
            is_open: false,
            window: DEFAULT_WINDOW,
            initial_window: DEFAULT_WINDOW,
            first_window: DEFAULT_WINDOW,
        }
    }

    /// Appends what every connection begins with.
    pub(super) fn open(out: &mut Vec<u8>) {
        out.extend_from_slice(PREFACE);
        let mut settings = INITIAL_WINDOW.to_be_bytes().to_vec();
        settings.extend_from_slice(&WINDOW.to_be_bytes());
        frames::write(control(frames::SETTINGS, 0), &settings, out);
        widen(0, WINDOW, out);
    }

    /// Reads `bytes`, tells `stream` what is a stream's, by its id, and appends
    /// to `out` what the connection answers.
    ///
    /// # Errors
    ///
    /// The peer ended the connection or a stream, in words to show.
    pub(super) fn take(
        &mut self,
        mut bytes: &[u8],
        out: &mut Vec<u8>,
        mut stream: impl FnMut(u32, Heard<'_>, &mut Vec<u8>) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut reader = std::mem::take(&mut self.reader);
        while let Some(part) = reader.next(&mut bytes) {
            let head = part.head;
            if head.kind == frames::DATA {
                self.taken += u32::try_from(part.bytes.len()).expect("a read is small");
                let (bytes, last) = (part.bytes, part.last);
                stream(head.stream, Heard::Data { bytes, last }, out)?;
            } else {
                self.control(&part, out)?;
            }
            if part.last && head.ends_stream() {
                stream(head.stream, Heard::End, out)?;
            }
        }
        self.reader = reader;
        if self.taken > WINDOW / 2 {
            widen(0, std::mem::take(&mut self.taken), out);
        }
        Ok(())
    }

    fn control(&mut self, part: &Part<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        let Part { head, bytes, .. } = *part;
        let is_answer = head.flags & frames::ACK != 0;
        match head.kind {
            frames::SETTINGS if !is_answer => {
                self.settings(bytes);
                frames::write(control(head.kind, frames::ACK), &[], out);
            }
            frames::PING if !is_answer => {
                frames::write(control(head.kind, frames::ACK), bytes, out);
            }
            frames::WINDOW_UPDATE => self.window_update(head.stream, number(bytes)),
            frames::RST_STREAM => {
                let code = number(bytes);
                return Err(format!(
                    "the node reset stream {} with code {code}",
                    head.stream
                ));
            }
            frames::GOAWAY => {
                let code = number(bytes.get(4..).unwrap_or_default());
                let words = String::from_utf8_lossy(bytes.get(8..).unwrap_or_default());
                return Err(format!(
                    "the node closes the connection: GOAWAY {code} {words}"
                ));
            }
            _ => {}
        }
        Ok(())
    }

    fn settings(&mut self, bytes: &[u8]) {
        for setting in bytes.chunks_exact(6) {
            if setting[..2] == INITIAL_WINDOW.to_be_bytes() {
                let window = i64::from(number(&setting[2..]));
                self.first_window += window - self.initial_window;
                self.initial_window = window;
            }
        }
        self.is_open = true;
    }

    /// Streams but the first carry one request each, which fits their window.
    fn window_update(&mut self, stream: u32, by: u32) {
        match stream {
            0 => self.window += i64::from(by),
            1 => self.first_window += i64::from(by),
            _ => {}
        }
    }
}

/// Appends a `WINDOW_UPDATE`: `by` bytes more on `stream`, or on the connection
/// if that is 0.
pub(super) fn widen(stream: u32, by: u32, out: &mut Vec<u8>) {
    let head = Head {
        kind: frames::WINDOW_UPDATE,
        flags: 0,
        stream,
    };
    frames::write(head, &by.to_be_bytes(), out);
}

fn control(kind: u8, flags: u8) -> Head {
    Head {
        kind,
        flags,
        stream: 0,
    }
}

/// The four bytes that most control frames consist of; 0 if there are fewer.
fn number(bytes: &[u8]) -> u32 {
    let four = bytes.first_chunk().copied().unwrap_or_default();
    u32::from_be_bytes(four)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(kind: u8, flags: u8, bytes: &[u8]) -> (Result<(), String>, Vec<u8>, Connection) {
        let mut connection = Connection::new();
        let (mut frame, mut out) = (Vec::new(), Vec::new());
        frames::write(control(kind, flags), bytes, &mut frame);
        let heard = connection.take(&frame, &mut out, |_, _, _| Ok(()));
        (heard, out, connection)
    }

    #[test]
    fn settings_and_pings_are_acknowledged_and_answers_are_not() {
        let settings = [&[0, 4][..], &70_000_u32.to_be_bytes()].concat();
        let (_, out, connection) = heard(frames::SETTINGS, 0, &settings);
        assert_eq!(out, [0, 0, 0, 4, 1, 0, 0, 0, 0]);
        assert_eq!(connection.first_window, 70_000);
        let (_, out, _) = heard(frames::PING, 0, b"12345678");
        assert_eq!(out, b"\0\0\x08\x06\x01\0\0\0\x0012345678");
        for kind in [frames::SETTINGS, frames::PING] {
            assert!(heard(kind, frames::ACK, &[]).1.is_empty());
        }
    }

    #[test]
    fn the_end_of_a_connection_is_told_with_the_peers_words() {
        let goaway = [&[0, 0, 0, 0, 0, 0, 0, 11][..], b"too_many_pings"].concat();
        let error = heard(frames::GOAWAY, 0, &goaway).0.unwrap_err();
        assert!(error.ends_with("GOAWAY 11 too_many_pings"), "{error}");
        let error = heard(frames::RST_STREAM, 0, &[0, 0, 0, 7]).0.unwrap_err();
        assert!(error.ends_with("with code 7"), "{error}");
    }

    #[test]
    fn the_window_is_given_back_in_large_steps() {
        let mut connection = Connection::new();
        let (mut out, mut frame) = (Vec::new(), Vec::new());
        let data = vec![0; frames::LARGEST];
        frames::write(control(frames::DATA, 0), &data, &mut frame);
        let mut taken = 0;
        while out.is_empty() {
            connection.take(&frame, &mut out, |_, _, _| Ok(())).unwrap();
            taken += u32::try_from(data.len()).unwrap();
        }
        assert_eq!(&out[9..], taken.to_be_bytes());
        assert!((WINDOW / 2..WINDOW).contains(&taken));
    }
}
