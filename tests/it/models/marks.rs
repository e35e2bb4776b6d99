//! Two channels, two senders, one reader: order, promises, wake-ups.

use loom::thread;

use super::ready::{Mark, Marks, Reader, Round};
use super::sequence::Counter;
use super::sync::{Arc, Mutex, lock};
use super::waiting::{ALL, Kinds, Waiting, Wakes};
use super::{Plant, block_on, check, find, run_planted};

/// The hub, cut down to what is checked: a log is a list of numbers.
struct Node {
    counter: Counter,
    channels: [Mutex<Channel>; 2],
}

struct Channel {
    /// Of the events that the stream takes.
    log: Vec<u64>,
    /// The newest of the others, which are let go at once.
    let_go: u64,
    waiting: Waiting<()>,
}

/// Events that the stream takes.
const TAKEN: Kinds = 1;

/// Events that it does not.
const OTHERS: Kinds = 2;

impl Node {
    fn new() -> Self {
        let channel = || {
            Mutex::new(Channel {
                log: Vec::new(),
                let_go: 0,
                waiting: Waiting::new(),
            })
        };
        Self {
            counter: Counter::new(),
            channels: [channel(), channel()],
        }
    }

    /// As `Channel::append` does it.
    fn send(&self, channel: usize) {
        let mut wakes = Wakes::default();
        {
            let channel = &mut *lock(&self.channels[channel]);
            let kind = || TAKEN;
            let number = channel.waiting.number(&self.counter, kind, &mut wakes);
            channel.log.push(number);
        }
        wakes.wake();
    }

    /// The same of two events, of which the stream takes the second.
    fn send_two(&self, channel: usize) {
        let mut wakes = Wakes::default();
        {
            let channel = &mut *lock(&self.channels[channel]);
            let kind = || OTHERS;
            channel.let_go = channel.waiting.number(&self.counter, kind, &mut wakes);
        }
        wakes.wake();
        self.send(channel);
    }
}

/// A stream, as `Cursors` is one.
struct Stream {
    reader: Arc<Reader<()>>,
    cursors: [u64; 2],
    heads: [Option<u64>; 2],
    /// The last number received, and all that it was ever promised.
    position: u64,
}

impl Stream {
    fn new() -> Self {
        Self {
            reader: Arc::new(Reader::new()),
            cursors: [0; 2],
            heads: [None; 2],
            position: 0,
        }
    }

    fn pass(&mut self, marked: &[Mark]) {
        for Mark { slot, passed } in marked {
            let cursor = &mut self.cursors[*slot as usize];
            *cursor = (*passed).max(*cursor);
        }
    }

    fn round(&mut self, node: &Node, newest: u64, marked: &mut Marks) -> Round<usize> {
        for Mark { slot, passed } in marked.drain(..) {
            assert_eq!(self.heads[slot as usize], None, "a place is held once");
            if passed < newest {
                self.heads[slot as usize] = Some(passed + 1);
            } else {
                self.look(node, slot);
            }
        }
        let mut taken = 0;
        while let Some((number, slot)) = self.lowest()
            && number <= newest
        {
            self.heads[slot] = None;
            let (next, _) = self.lowest().unwrap_or((newest + 1, 0));
            let upto = newest.min(next.saturating_sub(1)).max(number);
            taken += self.take(node, u32::try_from(slot).unwrap(), upto);
        }
        // A heartbeat could say so now.
        self.position = self.position.max(newest);
        match self.lowest() {
            _ if taken > 0 => Round::Yield(taken),
            None => Round::Settled,
            Some(_) => Round::Left,
        }
    }

    fn lowest(&self) -> Option<(u64, usize)> {
        let heads = self.heads.iter().enumerate();
        heads
            .filter_map(|(slot, head)| Some((*head.as_ref()?, slot)))
            .min()
    }

    fn look(&mut self, node: &Node, slot: u32) {
        self.take(node, slot, 0);
    }

    /// As `Channel::read` does it; tells how many events came.
    fn take(&mut self, node: &Node, slot: u32, upto: u64) -> usize {
        let at = slot as usize;
        let channel = &mut *lock(&node.channels[at]);
        let mut taken = 0;
        for number in channel.log.iter().copied() {
            if number > self.cursors[at] && number <= upto {
                assert!(number > self.position, "nothing comes late");
                (self.position, self.cursors[at]) = (number, number);
                taken += 1;
            }
        }
        let mut log = channel.log.iter().copied();
        self.heads[at] = log.find(|number| *number > self.cursors[at]);
        if self.heads[at].is_none() {
            channel.waiting.wait(&self.reader, slot, TAKEN);
        }
        taken
    }

    /// Reads until it has got so many events.
    fn read_all(&mut self, node: &Node, mut left: usize, marked: &mut Marks, read: Read) {
        let reader = Arc::clone(&self.reader);
        while left > 0 {
            left -= block_on(|cx| {
                reader.poll(&node.counter, cx, marked, |newest, marked, ()| {
                    self.pass(marked);
                    read(self, node, newest, marked)
                })
            });
        }
    }
}

/// How a model may be wrong.
type Send = fn(&Node, usize);
type Read = fn(&mut Stream, &Node, u64, &mut Marks) -> Round<usize>;

/// Each sender sends to the channels of its list; the stream must get it all.
fn deliver(senders: [&'static [usize]; 2], send: Send, read: Read) {
    check(move || {
        let node = Arc::new(Node::new());
        let threads = senders.map(|channels| {
            let node = Arc::clone(&node);
            thread::spawn(move || channels.iter().for_each(|at| send(&node, *at)))
        });
        let due = senders.iter().map(|channels| channels.len()).sum();
        let both = [0, 1].map(|slot| Mark { passed: 0, slot });
        Stream::new().read_all(&node, due, &mut Marks::from_slice(&both), read);
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

#[test]
fn a_reader_gets_every_number_in_order_and_never_sleeps_on_one() {
    deliver([&[0], &[1]], Node::send, Stream::round);
    deliver([&[0], &[0]], Node::send, Stream::round);
    deliver([&[0, 1], &[1]], Node::send, Stream::round);
}

#[test]
fn who_is_not_told_of_what_it_does_not_take_gets_all_that_it_takes() {
    deliver([&[0], &[1]], Node::send_two, Stream::round);
    deliver([&[0], &[0]], Node::send_two, Stream::round);
}

/// A stream that waits while an event comes and goes that it does not take,
/// and then one that it does.
fn skip(read: Read) {
    check(move || {
        let node = Arc::new(Node::new());
        let (mut stream, mut marked) = (Stream::new(), Marks::new());
        stream.look(&node, 0);
        let sender = Arc::clone(&node);
        let thread = thread::spawn(move || sender.send_two(0));
        stream.read_all(&node, 1, &mut marked, read);
        thread.join().unwrap();
    });
}

fn without_a_gap(
    stream: &mut Stream,
    node: &Node,
    newest: u64,
    marked: &mut Marks,
) -> Round<usize> {
    for slot in marked.iter().map(|mark| mark.slot as usize) {
        let let_go = lock(&node.channels[slot]).let_go;
        assert!(let_go <= stream.cursors[slot], "no false gap");
    }
    stream.round(node, newest, marked)
}

#[test]
fn who_waits_is_told_of_no_gap_where_others_events_are_gone() {
    skip(without_a_gap);
}

#[test]
fn each_planted_bug_is_found() {
    for (plant, _, says) in PLANTS {
        find("models::marks::planted", plant, says);
    }
}

#[test]
fn planted() {
    run_planted(&PLANTS);
}

const PLANTS: [Plant; 8] = [
    ("number before marks", number_before_marks, "deadlock"),
    ("wake before append", wake_before_append, "deadlock"),
    (
        "counter after marks",
        counter_after_marks,
        "nothing comes late",
    ),
    (
        "pending with marks left",
        pending_with_marks_left,
        "deadlock",
    ),
    ("place not put back", place_not_put_back, "deadlock"),
    (
        "place put back too early",
        place_put_back_early,
        "held once",
    ),
    ("nothing passed", nothing_passed, "no false gap"),
    ("too much passed", too_much_passed, "deadlock"),
];

fn number_before_marks() {
    let send = |node: &Node, channel: usize| {
        let mut wakes = Wakes::default();
        {
            let channel = &mut *lock(&node.channels[channel]);
            let number = node.counter.take();
            channel.waiting.mark(&node.counter, ALL, &mut wakes);
            channel.log.push(number);
        }
        wakes.wake();
    };
    deliver([&[0], &[1]], send, Stream::round);
}

fn wake_before_append() {
    let send = |node: &Node, channel: usize| {
        let mut wakes = Wakes::default();
        let counter = &node.counter;
        lock(&node.channels[channel])
            .waiting
            .mark(counter, ALL, &mut wakes);
        wakes.wake();
        lock(&node.channels[channel]).log.push(node.counter.take());
    };
    deliver([&[0], &[1]], send, Stream::round);
}

fn counter_after_marks() {
    let read = |stream: &mut Stream, node: &Node, _, marked: &mut Marks| {
        stream.round(node, node.counter.newest(), marked)
    };
    deliver([&[0], &[1]], Node::send, read);
}

fn pending_with_marks_left() {
    let read = |stream: &mut Stream, node: &Node, newest, marked: &mut Marks| match stream
        .round(node, newest, marked)
    {
        Round::Left => Round::Settled,
        round => round,
    };
    deliver([&[0], &[1]], Node::send, read);
}

fn place_not_put_back() {
    let read = |stream: &mut Stream, node: &Node, newest, marked: &mut Marks| {
        let round = stream.round(node, newest, marked);
        lock(&node.channels[0]).waiting = Waiting::new();
        round
    };
    deliver([&[0], &[1]], Node::send, read);
}

fn place_put_back_early() {
    let read = |stream: &mut Stream, node: &Node, newest, marked: &mut Marks| {
        let round = stream.round(node, newest, marked);
        if stream.heads[0].is_some() {
            lock(&node.channels[0]).waiting.wait(&stream.reader, 0, ALL);
        }
        round
    };
    deliver([&[0], &[0, 1]], Node::send, read);
}

fn nothing_passed() {
    let read = |stream: &mut Stream, node: &Node, newest, marked: &mut Marks| {
        stream.cursors = [0; 2];
        without_a_gap(stream, node, newest, marked)
    };
    skip(read);
}

fn too_much_passed() {
    let read = |stream: &mut Stream, node: &Node, newest, marked: &mut Marks| {
        for mark in &mut *marked {
            mark.passed = newest;
        }
        stream.pass(marked);
        stream.round(node, newest, marked)
    };
    skip(read);
}
