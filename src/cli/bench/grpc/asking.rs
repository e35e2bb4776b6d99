//! The requests of a connection, which wait for its window: all those of many
//! streams are more than a peer takes before it has said so.

use std::collections::VecDeque;

use super::frames::{self, Head, Requests};

/// Requests in their order, each on the next stream.
#[derive(Debug)]
pub(super) struct Asking {
    headers: Requests,
    waiting: VecDeque<Vec<u8>>,
    /// The stream of the first that waits.
    stream: u32,
}

impl Asking {
    pub(super) fn new(headers: Requests) -> Self {
        Self {
            headers,
            waiting: VecDeque::new(),
            stream: 1,
        }
    }

    /// Adds a request's whole body.
    pub(super) fn push(&mut self, body: Vec<u8>) {
        self.waiting.push_back(body);
    }

    /// Appends the requests that fit into `window`, and takes them from it.
    pub(super) fn send(&mut self, window: &mut i64, out: &mut Vec<u8>) {
        while let Some(body) = self.waiting.front() {
            let size = i64::try_from(body.len()).unwrap_or(i64::MAX);
            if size > *window {
                return;
            }
            *window -= size;
            self.headers.write(self.stream, out);
            write_data(self.stream, body, out);
            self.stream += 2;
            self.waiting.pop_front();
        }
    }
}

/// Appends a request's whole body, in as many frames as it takes.
fn write_data(stream: u32, body: &[u8], out: &mut Vec<u8>) {
    let mut rest = body;
    while !rest.is_empty() {
        let (bytes, after) = rest.split_at(rest.len().min(frames::LARGEST));
        rest = after;
        let head = Head {
            kind: frames::DATA,
            flags: if rest.is_empty() {
                frames::END_STREAM
            } else {
                0
            },
            stream,
        };
        frames::write(head, bytes, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_the_window_waits_for_a_wider_one() {
        let mut asking = Asking::new(Requests::new("a:1", "Subscribe"));
        for _ in 0..3 {
            asking.push(vec![0; 40]);
        }
        let (mut window, mut out) = (100, Vec::new());
        asking.send(&mut window, &mut out);
        assert_eq!((window, asking.waiting.len(), asking.stream), (20, 1, 5));
        let before = out.len();
        asking.send(&mut window, &mut out);
        assert_eq!(out.len(), before);
        window += 20;
        asking.send(&mut window, &mut out);
        assert_eq!((window, asking.waiting.len(), asking.stream), (0, 0, 7));
    }
}
