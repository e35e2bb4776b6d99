//! A channel that leaves while somebody sends to it and somebody waits for it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use loom::thread;

use super::let_go::LetGo;
use super::ready::{Mark, Marks, Reader, Round};
use super::registry::{Full, Registry};
use super::sequence::Counter;
use super::sync::{Arc, Mutex, lock};
use super::waiting::{ALL, Waiting, Wakes};
use super::{Plant, block_on, check, find, run_planted};

/// The hub, cut down to one name.
struct Node {
    counter: Counter,
    registry: Registry<&'static str, Channel, Arc<Reader<Mail>>>,
    /// The highest number that a closed channel has let go; unseen by loom.
    told: AtomicU64,
}

const NAME: &str = "n";

/// Events that are sent.
const EVENTS: u64 = 2;

/// That of an observer's one slot, which looks for itself.
const MARK: Mark = Mark { slot: 0, passed: 0 };

/// What an observer is told: channels that came to be, and after what.
type Mail = Vec<(Arc<Channel>, u64)>;

struct Channel(Mutex<State>);

struct State {
    log: Vec<u64>,
    let_go: u64,
    waiting: Waiting<Mail>,
    closed: bool,
}

impl Node {
    fn new() -> Self {
        Self {
            counter: Counter::new(),
            registry: Registry::new(1, 1),
            told: AtomicU64::new(0),
        }
    }

    /// As `Hub::send` does it.
    fn send(&self) {
        while !self.channel().append(&self.counter) {
            thread::yield_now();
        }
    }

    /// As `Hub::channel` does it.
    fn channel(&self) -> Arc<Channel> {
        let mut wakes = Wakes::default();
        let channel = self.registry.get_or_make(&NAME, |let_go, observers| {
            let let_go = let_go.number;
            let told = self.told.load(Ordering::Relaxed);
            assert!(let_go >= told, "a channel begins at what is gone");
            let channel = Arc::new(Channel(Mutex::new(State {
                log: Vec::new(),
                let_go,
                waiting: Waiting::new(),
                closed: false,
            })));
            let from = self.counter.newest();
            for (_, observer) in observers {
                let attached = (Arc::clone(&channel), from);
                wakes.add(observer.post(|mail| mail.push(attached)));
            }
            channel
        });
        wakes.wake();
        channel.unwrap_or_else(|Full| unreachable!("there is one name"))
    }

    /// As `Hub::sweep` does it, when everything is old.
    fn sweep(&self) {
        let mut wakes = Wakes::default();
        for name in self.registry.find(0, |channel| channel.expire()) {
            self.registry.remove_if(&name, |channel| {
                let let_go = channel.close(&self.counter, &mut wakes)?;
                self.told.fetch_max(let_go, Ordering::Relaxed);
                Some(gone(let_go))
            });
        }
        wakes.wake();
    }
}

fn gone(number: u64) -> LetGo {
    LetGo {
        number,
        published: 0,
    }
}

impl Channel {
    fn append(&self, counter: &Counter) -> bool {
        let mut wakes = Wakes::default();
        {
            let state = &mut *lock(&self.0);
            if state.closed {
                return false;
            }
            let number = state.waiting.number(counter, || ALL, &mut wakes);
            state.log.push(number);
        }
        wakes.wake();
        true
    }

    fn expire(&self) -> bool {
        let state = &mut *lock(&self.0);
        state.let_go = state.log.drain(..).next_back().unwrap_or(state.let_go);
        !state.closed
    }

    fn close(&self, counter: &Counter, wakes: &mut Wakes) -> Option<u64> {
        let state = &mut *lock(&self.0);
        if !state.log.is_empty() || state.closed {
            return None;
        }
        state.closed = true;
        state.waiting.mark(counter, ALL, wakes);
        Some(state.let_go)
    }
}

/// An observer of the name, as `Cursors` has one in a slot.
struct Observer {
    reader: Arc<Reader<Mail>>,
    channel: Option<Arc<Channel>>,
    cursor: u64,
    /// The numbers that it has yet to get, or to be told that it missed.
    due: BTreeSet<u64>,
    /// What it was told at the beginning to have missed; a channel that came
    /// and went meanwhile tells it again.
    told: u64,
}

impl Observer {
    /// Watches the name; all that is numbered from now on is due.
    fn new(node: &Node, marked: &mut Marks) -> Self {
        let reader = Arc::new(Reader::new());
        let cursor = node.counter.newest();
        let mut due: BTreeSet<_> = (cursor + 1..=EVENTS).collect();
        node.registry.watch(NAME, 0, Arc::clone(&reader));
        let found = node.registry.get(&NAME);
        let found = found.filter(|channel| !lock(&channel.0).closed);
        marked.extend(found.as_ref().map(|_| MARK));
        let told = match found {
            Some(_) => 0,
            None => node.registry.dropped().number,
        };
        due.retain(|number| *number > told);
        Self {
            reader,
            channel: found,
            cursor,
            due,
            told,
        }
    }

    fn round(&mut self, newest: u64, marked: &mut Marks, mail: Mail) -> Round<()> {
        for (channel, from) in mail {
            self.attach(&channel, from, marked);
        }
        assert!(marked.len() <= 1, "it attaches once");
        match (marked.pop(), self.channel.clone()) {
            (Some(_), Some(channel)) => self.read(&mut lock(&channel.0), newest, marked),
            _ => Round::Settled,
        }
    }

    fn attach(&mut self, channel: &Arc<Channel>, from: u64, marked: &mut Marks) {
        let before = self.channel.replace(Arc::clone(channel));
        if before.is_none() {
            marked.push(MARK);
        } else if before
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, channel))
        {
            // Found, and told of as well.
            return;
        }
        if before.is_none_or(|old| lock(&old.0).let_go <= self.cursor) {
            self.cursor = self.cursor.max(from);
        }
    }

    fn read(&mut self, state: &mut State, newest: u64, marked: &mut Marks) -> Round<()> {
        let due = self.due.len();
        if self.cursor < state.let_go {
            let missed = self.cursor + 1..=state.let_go;
            assert!(
                missed.into_iter().any(|n| self.due.remove(&n)) || state.let_go <= self.told,
                "no false gap"
            );
            self.due.retain(|number| *number > state.let_go);
            self.cursor = state.let_go;
        }
        for number in state
            .log
            .iter()
            .filter(|n| self.cursor < **n && **n <= newest)
        {
            assert!(self.due.remove(number), "each comes once");
        }
        let last = state.log.last().copied().unwrap_or(0);
        self.cursor = self.cursor.max(last.min(newest));
        if self.cursor < last {
            marked.push(MARK);
        } else if state.closed {
            self.channel = None;
        } else {
            state.waiting.wait(&self.reader, 0, ALL);
        }
        match self.due.len() == due {
            false => Round::Yield(()),
            true if marked.is_empty() => Round::Settled,
            true => Round::Left,
        }
    }
}

/// What happens at the start, or what a thread does.
type Act = fn(&Node);

fn with_a_channel(node: &Node) {
    node.channel();
}

/// One sends, one sweeps, one observes.
fn observe(begin: Act, send: Act, sweep: Act) {
    check(move || {
        let node = Arc::new(Node::new());
        begin(&node);
        let (sender, sweeper) = (Arc::clone(&node), Arc::clone(&node));
        let threads = [
            thread::spawn(move || (0..EVENTS).for_each(|_| send(&sender))),
            thread::spawn(move || sweep(&sweeper)),
        ];
        let mut marked = Marks::new();
        let mut observer = Observer::new(&node, &mut marked);
        let reader = Arc::clone(&observer.reader);
        while !observer.due.is_empty() {
            block_on(|cx| {
                reader.poll(&node.counter, cx, &mut marked, |newest, marked, mail| {
                    observer.round(newest, marked, mail)
                })
            });
        }
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

#[test]
fn an_observer_misses_nothing_of_a_channel_that_leaves_and_comes_back() {
    observe(with_a_channel, Node::send, Node::sweep);
}

#[test]
fn an_observer_of_a_channel_that_comes_to_be_attaches_once() {
    observe(|_| {}, Node::send, Node::sweep);
}

#[test]
fn each_planted_bug_is_found() {
    for (plant, _, says) in PLANTS {
        find("models::leaving::planted", plant, says);
    }
}

#[test]
fn planted() {
    run_planted(&PLANTS);
}

const PLANTS: [Plant; 3] = [
    ("send once only", send_once_only, "deadlock"),
    ("remove, then close", remove_then_close, "deadlock"),
    (
        "let go in silence",
        let_go_in_silence,
        "begins at what is gone",
    ),
];

fn send_once_only() {
    let send = |node: &Node| {
        node.channel().append(&node.counter);
    };
    observe(with_a_channel, send, Node::sweep);
}

fn remove_then_close() {
    let sweep = |node: &Node| {
        let mut wakes = Wakes::default();
        if let Some(channel) = node.registry.get(&NAME)
            && channel.expire()
        {
            let let_go = lock(&channel.0).let_go;
            node.registry.remove_if(&NAME, |_| Some(gone(let_go)));
            channel.close(&node.counter, &mut wakes);
        }
        wakes.wake();
    };
    observe(with_a_channel, Node::send, sweep);
}

fn let_go_in_silence() {
    let sweep = |node: &Node| {
        let mut wakes = Wakes::default();
        node.registry.find(0, |channel| channel.expire());
        node.registry.remove_if(&NAME, |channel| {
            let let_go = channel.close(&node.counter, &mut wakes)?;
            node.told.store(let_go, Ordering::Relaxed);
            Some(gone(0))
        });
        wakes.wake();
    };
    observe(with_a_channel, Node::send, sweep);
}
