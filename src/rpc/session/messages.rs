//! The messages of a request's body, cut where each ends.
//!
//! A message that came whole in one chunk of the body is lent as it stands
//! there; only one that goes on in the next chunk is put together. What is
//! held is what has come, whatever a length announces.
//!
//! Source: "PROTOCOL-HTTP2.md" of gRPC, "Length-Prefixed-Message".

use bytes::Bytes;

use crate::model::{Error, Invalid};

/// The bytes before a message: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// Messages as far as their bytes have come.
#[derive(Debug)]
pub(super) struct Messages {
    /// The most bytes of one.
    limit: usize,
    /// What is lent from, and up to where it was.
    chunk: Bytes,
    at: usize,
    /// What came behind `chunk`, which holds one message then.
    following: Bytes,
    /// A message that has not come whole.
    begun: Vec<u8>,
}

impl Messages {
    /// None yet, and later none of more than `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            chunk: Bytes::new(),
            at: 0,
            following: Bytes::new(),
            begun: Vec::new(),
        }
    }

    /// The next message, if it has come whole, without its prefix.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for one that is compressed or too large, at each call.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, Error> {
        if self.at == self.chunk.len() {
            self.chunk = std::mem::take(&mut self.following);
            self.at = 0;
        }
        let rest = &self.chunk[self.at..];
        let whole = self.size(rest)?.filter(|size| *size <= rest.len());
        let Some(size) = whole else {
            self.begun.extend_from_slice(rest);
            // An idle session pins no buffer that others read from too.
            self.chunk = Bytes::new();
            self.at = 0;
            return Ok(None);
        };
        let start = self.at + PREFIX;
        self.at += size;
        Ok(Some(&self.chunk[start..self.at]))
    }

    /// Takes in what comes behind all that [`Messages::next`] gave.
    ///
    /// # Errors
    ///
    /// As [`Messages::next`].
    pub(super) fn put(&mut self, mut chunk: Bytes) -> Result<(), Error> {
        if self.begun.is_empty() {
            self.chunk = chunk;
            return Ok(());
        }
        self.go_on(PREFIX, &mut chunk);
        if let Some(size) = self.size(&self.begun)? {
            self.go_on(size, &mut chunk);
            if self.begun.len() == size {
                self.chunk = std::mem::take(&mut self.begun).into();
                self.following = chunk;
            }
        }
        Ok(())
    }

    /// Notes that no more will come.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if a message has begun.
    pub(super) fn end(&self) -> Result<(), Error> {
        if self.begun.is_empty() {
            return Ok(());
        }
        let flaw = format!("ends after {} bytes of a message", self.begun.len());
        Err(Error::invalid(Invalid::Request, "", flaw))
    }

    /// Moves bytes to the begun message, up to `size` of it.
    fn go_on(&mut self, size: usize, chunk: &mut Bytes) {
        let missing = size.saturating_sub(self.begun.len()).min(chunk.len());
        self.begun.extend_from_slice(&chunk.split_to(missing));
    }

    /// Bytes of the message that `bytes` begin with, its prefix included; none
    /// if they do not tell.
    fn size(&self, bytes: &[u8]) -> Result<Option<usize>, Error> {
        let Some([compressed, length @ ..]) = bytes.first_chunk::<PREFIX>() else {
            return Ok(None);
        };
        let (length, limit) = (u32::from_be_bytes(*length) as usize, self.limit);
        let flaw = match compressed {
            0 if length <= limit => return Ok(Some(PREFIX + length)),
            0 => format!("is {length} bytes, the limit is {limit}"),
            1 => "is compressed, and names no grpc-encoding".to_owned(),
            flag => format!("has the compression flag {flag}, which is neither 0 nor 1"),
        };
        Err(Error::invalid(Invalid::Request, "", flaw))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 300;

    fn framed(message: &[u8]) -> Vec<u8> {
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        [&[0], &length[..], message].concat()
    }

    /// The messages of a body that comes in these chunks.
    fn read(chunks: &[&[u8]]) -> Result<Vec<Vec<u8>>, Error> {
        let (mut messages, mut found) = (Messages::new(LIMIT), Vec::new());
        for chunk in chunks {
            messages.put(Bytes::copy_from_slice(chunk))?;
            while let Some(message) = messages.next()? {
                found.push(message.to_vec());
            }
        }
        messages.end()?;
        Ok(found)
    }

    #[test]
    fn messages_are_the_same_wherever_a_body_is_cut() {
        let all = [vec![1; 7], vec![], vec![2; LIMIT], vec![3]];
        let body = all.iter().flat_map(|one| framed(one)).collect::<Vec<_>>();
        for first in 0..=body.len() {
            for second in first..=body.len() {
                let chunks = [&body[..first], &body[first..second], &body[second..]];
                assert_eq!(read(&chunks).unwrap(), all, "cut at {first} and {second}");
            }
        }
        let bytes: Vec<_> = body.chunks(1).collect();
        assert_eq!(read(&bytes).unwrap(), all);
    }

    #[test]
    fn a_message_that_is_too_large_is_refused_before_it_has_come() {
        let body = framed(&[0; LIMIT + 1]);
        for cut in 0..=PREFIX {
            let error = read(&[&body[..cut], &body[cut..PREFIX], b"x"]).unwrap_err();
            assert_eq!(error.to_string(), "is 301 bytes, the limit is 300");
        }
    }

    #[test]
    fn what_is_compressed_is_refused() {
        for (flag, says) in [(1, "is compressed"), (2, "flag 2,"), (255, "flag 255,")] {
            let error = read(&[&[flag, 0, 0, 0, 0]]).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
        }
    }

    #[test]
    fn a_body_may_not_end_within_a_message() {
        let body = framed(b"abc");
        for cut in 1..body.len() {
            let error = read(&[&body[..cut]]).unwrap_err().to_string();
            assert_eq!(error, format!("ends after {cut} bytes of a message"));
        }
    }

    #[test]
    fn nothing_of_a_chunk_is_held_once_it_is_read() {
        let chunk = [&framed(b"abc")[..], &[0, 0]].concat();
        let (owner, mut messages) = (Bytes::from(chunk), Messages::new(LIMIT));
        messages.put(owner.clone()).unwrap();
        assert_eq!(messages.next(), Ok(Some(&b"abc"[..])));
        assert!(!owner.is_unique());
        assert_eq!(messages.next(), Ok(None));
        assert!(owner.is_unique());
    }
}
