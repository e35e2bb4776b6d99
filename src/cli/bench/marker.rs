//! The mark that each payload of a load begins with, and how it is found again
//! in raw bytes.
//!
//! A record is 16 bytes that no other run has, the nanosecond of publishing and
//! the event's number, both little endian. A [`Scanner`] finds every record of
//! a byte stream once, however the stream is cut into reads. It decodes nothing
//! around it: events of one size lie one [`Stride`] apart, so most are found by
//! one comparison, and only the others by a search.

use memchr::memmem::Finder;

/// Bytes of a record.
pub(super) const RECORD: usize = 32;

const MAGIC: usize = 16;

/// Opens the magic: a byte that no text has, so that few tails look like one.
const FIRST: u8 = 0xf7;

/// What a payload says about its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// When it was published, in nanoseconds since the load began.
    pub(super) sent: u64,
    /// Which event of the load it is, from 0.
    pub(super) number: u64,
}

/// The magic of one run.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    magic: [u8; MAGIC],
    finder: Finder<'static>,
}

impl Mark {
    /// The mark of a run of its own.
    pub(super) fn random() -> Self {
        Self::of(fastrand::u64(..))
    }

    fn of(run: u64) -> Self {
        let mut magic = *b"\0fanfar\xf7\0\0\0\0\0\0\0\0";
        magic[0] = FIRST;
        magic[8..].copy_from_slice(&run.to_le_bytes());
        let finder = Finder::new(&magic).into_owned();
        Self { magic, finder }
    }

    /// Appends the record of `stamp`.
    pub(super) fn write(&self, stamp: Stamp, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.magic);
        out.extend_from_slice(&stamp.sent.to_le_bytes());
        out.extend_from_slice(&stamp.number.to_le_bytes());
    }

    fn is_at(&self, begin: usize, bytes: &[u8]) -> bool {
        bytes.get(begin..begin + MAGIC) == Some(&self.magic[..])
    }
}

/// How far apart records lie, which most of the next will too.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stride {
    usual: usize,
    least: usize,
}

impl Stride {
    pub(super) fn new() -> Self {
        Self {
            usual: usize::MAX,
            least: usize::MAX,
        }
    }

    /// Takes a distance for the usual one unless another record could lie in
    /// between: two events have at least twice the least distance.
    fn learn(&mut self, distance: usize) {
        self.least = self.least.min(distance);
        if distance - self.least < self.least / 2 {
            self.usual = distance;
        }
    }
}

/// One byte stream, and what of a record its last read ended with.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    held: [u8; RECORD - 1],
    length: u8,
}

impl Scanner {
    /// Calls `each` for the records that end in `bytes`, in their order.
    pub(super) fn feed(
        &mut self,
        (mark, stride): (&Mark, &mut Stride),
        bytes: &[u8],
        mut each: impl FnMut(Stamp),
    ) {
        let mut at = match self.length {
            0 => 0,
            _ => match self.join(mark, bytes, &mut each) {
                Some(at) => at,
                None => return,
            },
        };
        let mut last = None;
        while let Some(begin) = find(mark, *stride, bytes, (at, last)) {
            let Some(record) = bytes.get(begin..begin + RECORD) else {
                return self.hold(&bytes[begin..]);
            };
            each(stamp(record));
            if let Some(last) = last {
                stride.learn(begin - last);
            }
            last = Some(begin);
            at = begin + RECORD;
        }
        self.hold_beginning(mark, &bytes[at..]);
    }

    /// Looks for the record that began in an earlier read. Gives where to go on
    /// in `bytes`, or none if they are all held.
    fn join(&mut self, mark: &Mark, bytes: &[u8], each: &mut impl FnMut(Stamp)) -> Option<usize> {
        let held = usize::from(self.length);
        let taken = bytes.len().min(RECORD - 1);
        let mut both = [0; 2 * RECORD - 2];
        both[..held].copy_from_slice(&self.held[..held]);
        both[held..held + taken].copy_from_slice(&bytes[..taken]);
        let both = &both[..held + taken];
        self.length = 0;
        match mark.finder.find(both) {
            Some(begin) if begin < held => {
                let Some(record) = both.get(begin..begin + RECORD) else {
                    self.hold(&both[begin..]);
                    return None;
                };
                each(stamp(record));
                Some(begin + RECORD - held)
            }
            None if both.len() < held + RECORD - 1 => {
                self.hold_beginning(mark, both);
                None
            }
            _ => Some(0),
        }
    }

    fn hold(&mut self, bytes: &[u8]) {
        self.held[..bytes.len()].copy_from_slice(bytes);
        self.length = u8::try_from(bytes.len()).expect("less than a record");
    }

    /// Holds the end of `bytes` if a magic may begin there.
    fn hold_beginning(&mut self, mark: &Mark, bytes: &[u8]) {
        let end = &bytes[bytes.len().saturating_sub(MAGIC - 1)..];
        for begin in memchr::memchr_iter(FIRST, end) {
            if mark.magic.starts_with(&end[begin..]) {
                return self.hold(&end[begin..]);
            }
        }
    }
}

/// Where the next record begins, at `at` or behind it.
fn find(
    mark: &Mark,
    stride: Stride,
    bytes: &[u8],
    (at, last): (usize, Option<usize>),
) -> Option<usize> {
    let guess = last.and_then(|last| stride.usual.checked_add(last));
    match guess {
        Some(guess) if guess < bytes.len() && mark.is_at(guess, bytes) => Some(guess),
        _ => mark.finder.find(&bytes[at..]).map(|begin| at + begin),
    }
}

/// Reads a whole record.
fn stamp(record: &[u8]) -> Stamp {
    let number = |at: usize| {
        let bytes = record[at..at + 8].try_into().expect("8 bytes");
        u64::from_le_bytes(bytes)
    };
    Stamp {
        sent: number(MAGIC),
        number: number(MAGIC + 8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream of events of many sizes, with what looks like a magic between.
    fn stream(mark: &Mark) -> (Vec<u8>, Vec<Stamp>) {
        let mut bytes = Vec::new();
        let mut stamps = Vec::new();
        for index in 0..40_usize {
            let number = index as u64;
            let stamp = Stamp {
                sent: number << 7,
                number,
            };
            mark.write(stamp, &mut bytes);
            stamps.push(stamp);
            bytes.resize(bytes.len() + [96, 96, 95, 0, 200][index % 5], b'x');
            let beginning = index % MAGIC;
            bytes.extend_from_slice(&mark.magic[..beginning]);
        }
        (bytes, stamps)
    }

    fn found(mark: &Mark, reads: &[&[u8]]) -> Vec<Stamp> {
        let (mut scanner, mut stride) = (Scanner::default(), Stride::new());
        let mut found = Vec::new();
        for read in reads {
            scanner.feed((mark, &mut stride), read, |stamp| found.push(stamp));
        }
        found
    }

    #[test]
    fn every_record_is_found_once_wherever_the_stream_is_cut() {
        let mark = Mark::of(7);
        let (bytes, stamps) = stream(&mark);
        for cut in 0..=bytes.len() {
            let (before, after) = bytes.split_at(cut);
            assert_eq!(found(&mark, &[before, after]), stamps, "cut at {cut}");
        }
    }

    #[test]
    fn every_record_is_found_once_however_small_the_reads_are() {
        let mark = Mark::of(u64::from_le_bytes([FIRST; 8]) >> 8);
        let (bytes, stamps) = stream(&mark);
        for size in 1..100 {
            let reads: Vec<_> = bytes.chunks(size).collect();
            assert_eq!(found(&mark, &reads), stamps, "reads of {size}");
        }
    }

    #[test]
    fn a_stride_over_two_events_is_not_learnt() {
        let mark = Mark::of(1);
        let (mut bytes, mut at) = (Vec::new(), Vec::new());
        // What is no event lies between the third and the fourth.
        for (number, size) in [(0, 68), (1, 68), (2, 168), (3, 68), (4, 68), (5, 68)] {
            mark.write(Stamp { sent: 0, number }, &mut bytes);
            bytes.resize(bytes.len() + size, 0);
            at.push(number);
        }
        let numbers: Vec<_> = found(&mark, &[&bytes])
            .iter()
            .map(|stamp| stamp.number)
            .collect();
        assert_eq!(numbers, at);
    }

    #[test]
    fn the_mark_of_another_run_is_not_counted() {
        let (bytes, _) = stream(&Mark::of(1));
        assert_eq!(found(&Mark::of(2), &[&bytes]), []);
    }
}
