//! The log against a naive list.
//!
//! A list of whole frames is kept beside the log; after every step the log
//! must hold the same frames, and a read must give what the list gives. What
//! the list cannot know, such as where a segment ends, is bounded instead.

mod naive;

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use tokio::time::Instant;

use super::super::budget::{Account, Weight, block_cost};
use super::super::let_go::LetGo;
use super::super::stream::chunk::Chunk;
use super::super::stream::select::Filter;
use super::super::sync::Arc;
use super::{Log, Near, Retention, Rewind, SEGMENT};
use naive::{Choice, NAMES, Naive, SENDERS, frame, published};

/// One thing that happens to a log.
#[derive(Clone, Debug)]
enum Step {
    /// An event comes, `skip` numbers after the one before.
    Append {
        size: usize,
        name: usize,
        sender: usize,
        skip: u64,
        published: u64,
    },
    /// Time passes.
    Pass { ms: u64 },
    /// What is too old goes.
    Expire,
    /// The node's budget takes the oldest segment.
    LetGo,
    /// A reader reads up to `short` numbers before the newest, once or until
    /// it has all, and keeps the chunks for a while or not.
    Read {
        reader: usize,
        short: u64,
        until_all: bool,
        hold: bool,
    },
    /// A reader goes to a random place.
    Seek { reader: usize, back: u64 },
    /// The chunks that readers keep are let go.
    Drop,
    /// Somebody looks for where to begin, and at a page between two places so
    /// far before the newest number.
    LookBack {
        choice: usize,
        after: u64,
        before: u64,
        descending: bool,
        count: usize,
    },
}

/// Times of publishing, which come in any order.
const TIMES: u64 = 50;

fn step() -> impl Strategy<Value = Step> {
    let size = prop_oneof![
        6 => 1_usize..300,
        3 => 300_usize..5_000,
        1 => 5_000_usize..(SEGMENT + 4_000),
    ];
    let append = (size, 0..NAMES.len(), 0..SENDERS.len(), 1_u64..4, 0..TIMES);
    let append = append.prop_map(|(size, name, sender, skip, published)| Step::Append {
        size,
        name,
        sender,
        skip,
        published,
    });
    let look_back = (
        0..READERS,
        0..200_u64,
        0..200_u64,
        any::<bool>(),
        0_usize..40,
    );
    let look_back =
        look_back.prop_map(
            |(choice, after, before, descending, count)| Step::LookBack {
                choice,
                after,
                before,
                descending,
                count,
            },
        );
    let read = (0..READERS, 0_u64..6, any::<bool>(), any::<bool>());
    let read = read.prop_map(|(reader, short, until_all, hold)| Step::Read {
        reader,
        short: short.saturating_sub(3),
        until_all,
        hold,
    });
    prop_oneof![
        12 => append,
        2 => (0_u64..40).prop_map(|ms| Step::Pass { ms }),
        1 => Just(Step::Expire),
        1 => Just(Step::LetGo),
        12 => read,
        1 => (0..READERS, 0_u64..200).prop_map(|(reader, back)| Step::Seek { reader, back }),
        1 => Just(Step::Drop),
        4 => look_back,
    ]
}

fn retention() -> impl Strategy<Value = Retention> {
    (1_usize..120, 400_usize..80_000, 20_u64..400).prop_map(|(events, bytes, ms)| Retention {
        events,
        bytes,
        age: Duration::from_millis(ms),
    })
}

/// Readers of each choice: two that take all, one by name, one without its own
/// events, one by both.
const READERS: usize = 5;

struct Trial {
    log: Log,
    account: Arc<Account>,
    naive: Naive,
    now: Instant,
    newest: u64,
    cursors: [u64; READERS],
    held: Vec<Bytes>,
}

impl Trial {
    fn new(retention: Retention) -> Self {
        let account = Arc::new(Account::default());
        Self {
            log: Log::new(retention, LetGo::default(), Arc::clone(&account)),
            account,
            naive: Naive::new(retention),
            now: Instant::now(),
            newest: 0,
            cursors: [0; READERS],
            held: Vec::new(),
        }
    }

    fn run(mut self, steps: Vec<Step>) {
        for step in steps {
            self.step(&step);
            self.check();
        }
        drop(self.log);
        assert_eq!(self.account.logs(), 0, "a log that is gone weighs nothing");
        assert_eq!(self.account.pinned() == 0, self.held.is_empty());
        self.held.clear();
        assert_eq!(self.account.pinned(), 0, "nobody holds anything");
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Append {
                size,
                name,
                sender,
                skip,
                published: time,
            } => {
                self.newest += skip;
                let frame = published(frame(size, NAMES[name], SENDERS[sender]), time);
                self.naive.append(&frame, self.newest, self.now);
                self.log.append(&mut { frame }, self.newest, self.now);
            }
            Step::Pass { ms } => self.now += Duration::from_millis(ms),
            Step::Expire => {
                self.naive.trim(0, self.now);
                self.log.expire(self.now);
            }
            Step::LetGo => {
                self.log.let_go_segment();
                self.naive.let_go_before(self.log.first());
            }
            Step::Read {
                reader,
                short,
                until_all,
                hold,
            } => self.read(reader, self.newest.saturating_sub(short), until_all, hold),
            Step::Seek { reader, back } => {
                self.cursors[reader] = self.newest.saturating_sub(back);
            }
            Step::Drop => self.held.clear(),
            Step::LookBack {
                choice,
                after,
                before,
                descending,
                count,
            } => {
                let place = |back| self.newest.saturating_sub(back);
                let between = (place(after), place(before));
                self.rewind(between.0, count, &Choice::of(choice));
                self.page(between, descending, count);
                let time = before % (TIMES + 1);
                self.since(time);
            }
        }
    }

    /// It is exact unless one published then or later is gone, of which a gap
    /// tells: then it may begin earlier, where the clock had been set back.
    fn since(&self, time: u64) {
        let (given, exact) = (self.log.since(time), self.naive.since(time));
        if self.log.let_go().published < time {
            assert_eq!(given, exact);
        } else {
            let last = u64::MAX;
            assert!(given.unwrap_or(last) <= exact.unwrap_or(last));
        }
    }

    fn rewind(&mut self, from: u64, count: usize, choice: &Choice) {
        let mut rewind = Rewind::new(from, u32::try_from(count).unwrap());
        while rewind.step(&mut self.log, &choice.filter().select(choice.own)) {}
        let expected = self.naive.rewind(from, count, choice);
        assert_eq!(rewind.place, expected, "the newest {count} up to {from}");
    }

    fn page(&mut self, between: (u64, u64), descending: bool, count: usize) {
        let bytes = 200 * count;
        let (page, has_more) = self.log.page(between, descending, count, bytes);
        let expected = self.naive.between(between, descending);
        assert_eq!(has_more, page.len() < expected.len());
        let size: usize = page.iter().map(|(_, frame)| frame.len()).sum();
        assert!(page.len() <= 1 || size <= bytes);
        match expected.get(page.len()) {
            Some((_, next)) => assert!(
                page.len() == count || (size + next.len() > bytes && !page.is_empty()),
                "a page ends where it must"
            ),
            None => assert_eq!(page.len(), expected.len()),
        }
        let given = page.iter().map(|(number, frame)| (*number, frame.to_vec()));
        assert!(given.eq(expected.into_iter().take(page.len())));
    }

    fn read(&mut self, reader: usize, upto: u64, until_all: bool, hold: bool) {
        let choice = Choice::of(reader);
        loop {
            let after = self.cursors[reader];
            let (cursor, bytes) = read(&mut self.log, &self.account, after, upto, &choice);
            self.naive
                .check_read(after, upto, &choice, cursor, bytes.as_deref());
            self.cursors[reader] = cursor;
            if hold {
                self.held.extend(bytes);
            }
            if !until_all || cursor >= upto {
                return;
            }
        }
    }

    fn check(&self) {
        let (log, naive) = (&self.log, &self.naive);
        assert_eq!(log.first(), naive.numbers().next(), "the oldest frame kept");
        assert!(log.events.iter().map(|e| e.number).eq(naive.numbers()));
        assert_eq!(log.let_go(), naive.let_go, "the newest frame that is gone");
        assert_eq!(log.senders, naive.senders());
        let mut offset = log.segments.front().map_or(log.tail_start, |s| s.start);
        for segment in &log.segments {
            assert_eq!(segment.start, offset, "segments stand one behind the other");
            offset = segment.end();
            assert!(is_one_frame_or_small(log, segment.start, segment.end()));
        }
        assert_eq!(offset, log.tail_start);
        assert!(is_one_frame_or_small(log, log.tail_start, log.end()));
        let blocks: usize = log.segments.iter().map(|s| block_cost(s.bytes.len())).sum();
        assert_eq!(log.blocks, blocks);
        let Weight {
            blocks,
            other,
            fixed,
        } = log.weight;
        assert_eq!(self.account.logs(), blocks + other + fixed);
        assert!(self.account.logs() >= naive.bytes());
        assert!(!self.held.is_empty() || self.account.pinned() == 0);
    }
}

/// Whether the bytes from `start` to `end` are within a segment's size, or at
/// most one frame. The front one may hold frames that are gone.
fn is_one_frame_or_small(log: &Log, start: u64, end: u64) -> bool {
    let frames = log
        .events
        .iter()
        .filter(|event| start < event.end && event.end <= end);
    end - start <= SEGMENT as u64 || frames.count() <= 1
}

fn read(
    log: &mut Log,
    account: &Arc<Account>,
    after: u64,
    upto: u64,
    choice: &Choice,
) -> (u64, Option<Bytes>) {
    let mut chunk = Chunk::new(account);
    let filter: Filter = choice.filter();
    // Wherever a reader believes to be, it gets the same.
    let mut near = Near(after.wrapping_mul(0x9e37_79b9) % 64);
    assert_eq!(
        log.first_after(after, near),
        log.first_after(after, Near::END)
    );
    let cursor = log.read(
        after,
        upto,
        &mut near,
        &filter.select(choice.own),
        &mut chunk,
    );
    if cursor < upto {
        let next = log.past(cursor, Near::END) as u64;
        assert_eq!(near.0, log.popped + next, "it goes on from there");
    }
    (cursor, chunk.finish())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_log_holds_and_gives_what_a_list_would(
        retention in retention(),
        steps in prop::collection::vec(step(), 1..250),
    ) {
        Trial::new(retention).run(steps);
    }
}

const ROOMY: Retention = Retention {
    events: 100_000,
    bytes: 64 << 20,
    age: Duration::from_secs(60),
};

/// A log of `count` frames of `size` bytes, each sealed by a prompt reader.
fn fragmented(count: u64, size: usize) -> (Log, Arc<Account>) {
    let account = Arc::new(Account::default());
    let mut log = Log::new(ROOMY, LetGo::default(), Arc::clone(&account));
    let now = Instant::now();
    for number in 1..=count {
        log.append(&mut frame(size, "", ""), number, now);
        read(&mut log, &account, number - 1, number, &Choice::ALL);
    }
    assert_eq!(log.segments.len() as u64, count);
    (log, account)
}

#[test]
fn who_meets_small_segments_merges_them_for_all() {
    let (mut log, account) = fragmented(2_000, 100);
    let before = account.logs();
    let mut chunks = 0;
    let mut cursor = 0;
    while cursor < 2_000 {
        let (next, bytes) = read(&mut log, &account, cursor, 2_000, &Choice::ALL);
        assert!(bytes.unwrap().len() <= SEGMENT);
        (cursor, chunks) = (next, chunks + 1);
    }
    let needed = (2_000 * 100_usize).div_ceil(SEGMENT);
    assert!(chunks <= needed + 1, "{chunks} chunks for {needed}");
    assert!(log.segments.len() <= needed + 1);
    assert!(account.logs() + 1_900 * 192 <= before, "and they cost less");
    for pair in log.segments.make_contiguous().windows(2) {
        assert!(pair[0].bytes.len() + pair[1].bytes.len() > SEGMENT);
    }
    assert_eq!(account.pinned(), 0);
}

#[test]
fn a_chunk_counts_as_pinned_once_its_segment_is_gone() {
    let account = Arc::new(Account::default());
    let mut log = Log::new(ROOMY, LetGo::default(), Arc::clone(&account));
    let now = Instant::now();
    for number in 1..=10 {
        log.append(&mut frame(100, "", ""), number, now);
    }
    let (_, half) = read(&mut log, &account, 5, 10, &Choice::ALL);
    assert_eq!(half.as_ref().unwrap().len(), 500);
    assert_eq!(account.pinned(), 0, "the log holds it still");
    log.expire(now + ROOMY.age);
    assert_eq!(account.pinned(), block_cost(1_000), "a slice pins it whole");
    drop(half);
    assert_eq!(account.pinned(), 0);
}

#[test]
fn a_small_part_of_a_segment_does_not_pin_it() {
    let account = Arc::new(Account::default());
    let mut log = Log::new(ROOMY, LetGo::default(), Arc::clone(&account));
    let now = Instant::now();
    for number in 1..=10 {
        log.append(&mut frame(100, "", ""), number, now);
    }
    let (_, one) = read(&mut log, &account, 9, 10, &Choice::ALL);
    log.expire(now + ROOMY.age);
    assert_eq!(account.pinned(), block_cost(100), "the copy alone");
    drop(one);
    assert_eq!(account.pinned(), 0);
}

#[test]
fn an_append_never_trims_its_own_event() {
    let account = Arc::new(Account::default());
    let tiny = Retention {
        events: 1,
        bytes: 1,
        age: Duration::ZERO,
    };
    let mut log = Log::new(tiny, LetGo::default(), Arc::clone(&account));
    for number in [3, 7, 9] {
        log.append(&mut frame(50_000, "", ""), number, Instant::now());
        assert_eq!(log.first(), Some(number));
    }
    assert_eq!(log.let_go().number, 7);
    log.expire(Instant::now());
    assert_eq!((log.first(), log.let_go().number), (None, 9));
    assert_eq!(log.newest(), 9);
}

#[test]
fn an_empty_log_keeps_no_capacity() {
    let (mut log, account) = fragmented(500, 100);
    log.expire(Instant::now() + ROOMY.age);
    assert_eq!(account.logs(), Log::FIXED_COST);
}

#[test]
fn a_search_gives_way_and_goes_on_where_it_stopped() {
    let account = Arc::new(Account::default());
    let mut log = Log::new(ROOMY, LetGo::default(), Arc::clone(&account));
    for number in 1..=5_000 {
        let name = if number == 4_999 { "wanted" } else { "other" };
        log.append(&mut frame(40, name, ""), number, Instant::now());
    }
    let wanted = Choice {
        names: &["wanted"],
        ..Choice::ALL
    };
    let (mut cursor, mut visits, mut found) = (0, 0, Vec::new());
    while cursor < 5_000 {
        let (next, bytes) = read(&mut log, &account, cursor, 5_000, &wanted);
        assert!(next > cursor && next - cursor <= 1_024);
        (cursor, visits) = (next, visits + 1);
        found.extend(bytes);
    }
    assert_eq!((visits, found.len()), (5, 1));
}

#[test]
fn a_read_never_goes_back() {
    let account = Arc::new(Account::default());
    let mut log = Log::new(ROOMY, LetGo::default(), Arc::clone(&account));
    log.append(&mut frame(40, "", ""), 3, Instant::now());
    for (after, upto) in [(7, 5), (3, 2), (9, 0)] {
        let (cursor, bytes) = read(&mut log, &account, after, upto, &Choice::ALL);
        assert_eq!((cursor, bytes), (after, None));
    }
}

#[test]
fn reading_nothing_seals_nothing() {
    let account = Arc::new(Account::default());
    let mut log = Log::new(ROOMY, LetGo::default(), Arc::clone(&account));
    log.append(&mut frame(40, "", ""), 1, Instant::now());
    log.append(&mut frame(40, "", ""), 2, Instant::now());
    read(&mut log, &account, 2, 2, &Choice::ALL);
    assert_eq!(log.segments.len(), 0, "the tail goes on growing");
}

#[test]
fn a_chunk_without_room_for_the_next_frame_is_full() {
    let account = Arc::new(Account::default());
    let mut log = Log::new(ROOMY, LetGo::default(), Arc::clone(&account));
    log.append(&mut frame(100, "", ""), 1, Instant::now());
    log.append(&mut frame(SEGMENT - 50, "", ""), 2, Instant::now());
    let mut chunk = Chunk::new(&account);
    let filter = Choice::ALL.filter();
    assert_eq!(
        log.read(0, 2, &mut { Near::END }, &filter.select(""), &mut chunk),
        1
    );
    assert!(chunk.is_full(), "or its reader tries again and again");
}

#[test]
fn a_log_that_fills_its_segments_leaves_frames_their_buffers() {
    let account = Arc::new(Account::default());
    let mut log = Log::new(ROOMY, LetGo::default(), Arc::clone(&account));
    let mut expected = Vec::new();
    for number in 1..=600 {
        let mut frame = frame(100, "", "");
        log.append(&mut frame, number, Instant::now());
        if !log.segments.is_empty() {
            expected.extend_from_slice(&frame.bytes);
            assert_eq!(frame.bytes.len(), 100, "{number} was copied");
            assert_eq!(log.tail.capacity(), SEGMENT, "{number} made no room");
        }
    }
    let sealed = log.segments[0].end();
    let mut held = log.segments.range(1..).flat_map(|one| one.bytes.to_vec());
    let held = held.by_ref().chain(log.tail.iter().copied());
    assert!(
        held.eq(expected),
        "what came after the first {sealed} bytes"
    );
}
