//! Lines of input, each with its number, and bounded.
//!
//! A line that is too long or no UTF-8 is told as such and passed over; the
//! ones after it come all the same.

use std::io;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

/// Bytes of one line, at most: twice what a node takes in one message, since
/// JSON needs more room for the same (base64, `\u00e9`).
pub(crate) const LONGEST: usize = 8 << 20;

/// Bytes read at a time.
const CHUNK: usize = 64 << 10;

/// Input, line by line.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    input: BufReader<R>,
    /// Lines that have ended.
    number: u64,
    /// What has come of the line after them.
    line: Vec<u8>,
    /// How long that line is, with what was not kept of it.
    length: usize,
}

/// A line without its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Counted from 1.
    pub(crate) number: u64,
    /// Its text, or why it has none.
    pub(crate) text: Result<String, String>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// The lines of `input`.
    pub(crate) fn of(input: R) -> Self {
        Self {
            input: BufReader::with_capacity(CHUNK, input),
            number: 0,
            line: Vec::new(),
            length: 0,
        }
    }

    /// The next line; none at the end of the input.
    ///
    /// What was read stays here if this is dropped, and the next call goes on.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            let chunk = self.input.fill_buf().await?;
            if chunk.is_empty() {
                // What has no end of its own is a line too.
                return Ok((self.length > 0).then(|| self.take()));
            }
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let part = &chunk[..end.unwrap_or(chunk.len())];
            self.length += part.len();
            // One more than is allowed is not kept either, nor needed.
            let room = LONGEST - self.line.len();
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            let read = part.len() + usize::from(end.is_some());
            self.input.consume(read);
            if end.is_some() {
                return Ok(Some(self.take()));
            }
        }
    }

    /// The line that is whole now.
    fn take(&mut self) -> Line {
        self.number += 1;
        let number = self.number;
        let length = std::mem::take(&mut self.length);
        let mut bytes = std::mem::take(&mut self.line);
        if bytes.ends_with(b"\r") {
            bytes.pop();
        }
        let text = if length > LONGEST {
            Err(format!(
                "is {length} bytes long, at most {LONGEST} are read: send less in one event"
            ))
        } else {
            String::from_utf8(bytes).map_err(|error| {
                let at = error.utf8_error().valid_up_to() + 1;
                format!("is not UTF-8 at its byte {at}")
            })
        };
        Line { number, text }
    }
}

impl Line {
    /// Whether there is nothing in it.
    pub(crate) fn is_blank(&self) -> bool {
        self.text.as_ref().is_ok_and(|text| text.trim().is_empty())
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    async fn all(input: &[u8]) -> Vec<(u64, Result<String, String>)> {
        let mut lines = Lines::of(input);
        let mut all = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            if !line.is_blank() {
                all.push((line.number, line.text));
            }
        }
        all
    }

    #[tokio::test]
    async fn blank_lines_count_and_are_known() {
        for (input, lines) in [
            ("", vec![]),
            ("\n \n\t\r\n", vec![]),
            ("a", vec![(1, Ok("a".to_owned()))]),
            (
                "\na\n\n b \r\n",
                vec![(2, Ok("a".to_owned())), (4, Ok(" b ".to_owned()))],
            ),
            ("a\n ", vec![(1, Ok("a".to_owned()))]),
            (
                "a\nb",
                vec![(1, Ok("a".to_owned())), (2, Ok("b".to_owned()))],
            ),
        ] {
            assert_eq!(all(input.as_bytes()).await, lines, "{input:?}");
        }
    }

    #[tokio::test]
    async fn a_line_that_is_no_text_is_told_and_the_next_one_comes() {
        let lines = all(b"ab\xff\nc").await;
        let wrong = Err("is not UTF-8 at its byte 3".to_owned());
        assert_eq!(lines, [(1, wrong), (2, Ok("c".to_owned()))]);
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_is_not_kept_and_the_next_one_comes() {
        let longest = "x".repeat(LONGEST);
        let input = format!("{longest}\n{longest}y\n\nc");
        let mut lines = Lines::of(input.as_bytes());
        let first = lines.next().await.unwrap().unwrap();
        assert_eq!(first.text, Ok(longest));
        let second = lines.next().await.unwrap().unwrap();
        assert_eq!(second.number, 2);
        let reason = second.text.unwrap_err();
        assert!(reason.starts_with("is 8388609 bytes long, at most 8388608 "));
        assert!(lines.next().await.unwrap().unwrap().is_blank());
        let last = lines.next().await.unwrap().unwrap();
        assert_eq!((last.number, last.text), (4, Ok("c".to_owned())));
    }

    #[tokio::test]
    async fn a_line_in_pieces_survives_that_nobody_waits_for_it() {
        let (mut far, near) = tokio::io::duplex(64);
        let mut lines = Lines::of(near);
        for piece in ["a", "b"] {
            far.write_all(piece.as_bytes()).await.unwrap();
            tokio::select! {
                biased;
                line = lines.next() => panic!("{line:?} has not ended"),
                () = tokio::task::yield_now() => {}
            }
        }
        far.write_all(b"c\nd").await.unwrap();
        drop(far);
        assert_eq!(
            lines.next().await.unwrap().unwrap().text,
            Ok("abc".to_owned())
        );
        assert_eq!(
            lines.next().await.unwrap().unwrap().text,
            Ok("d".to_owned())
        );
        assert_eq!(lines.next().await.unwrap(), None);
    }
}
