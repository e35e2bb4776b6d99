//! The rules that a history is judged by.

use std::collections::{HashMap, HashSet};

use super::record::{Frame, History, Sent, Stream};

/// What is wrong with a history; nothing if it keeps the guarantees.
pub(super) fn verify(history: &History) -> Vec<String> {
    let mut wrong = senders_order(&history.sent);
    let sent: HashMap<_, _> = history
        .sent
        .iter()
        .map(|sent| (sent.sequence, sent))
        .collect();
    if sent.len() != history.sent.len() {
        wrong.push("a number was given twice".to_owned());
    }
    for (index, stream) in history.streams.iter().enumerate() {
        let said = judge(stream, &sent, &history.sent);
        wrong.extend(
            said.into_iter()
                .map(|what| format!("stream {index}: {what}")),
        );
    }
    wrong
}

/// Who is answered before another begins has the lower number.
fn senders_order(sent: &[Sent]) -> Vec<String> {
    let mut by_end: Vec<_> = sent.iter().collect();
    by_end.sort_unstable_by_key(|sent| sent.ended);
    let mut by_begin: Vec<_> = sent.iter().collect();
    by_begin.sort_unstable_by_key(|sent| sent.began);
    let (mut highest, mut ended) = (0, by_end.into_iter().peekable());
    let mut wrong = Vec::new();
    for later in by_begin {
        while let Some(before) = ended.next_if(|before| before.ended < later.began) {
            highest = highest.max(before.sequence);
        }
        if later.sequence < highest {
            wrong.push(format!(
                "{highest} was answered before {} began",
                later.sequence
            ));
        }
    }
    wrong
}

/// What a stream has been told so far.
struct Told<'a> {
    stream: &'a Stream,
    /// What it wants and has not been told of, the next first.
    due: std::iter::Peekable<std::vec::IntoIter<&'a Sent>>,
    got: HashSet<u64>,
    gaps: Vec<(&'a str, u64, u64)>,
    /// The number of the newest event, or the newest position.
    passed: u64,
}

fn judge(stream: &Stream, sent: &HashMap<u64, &Sent>, all: &[Sent]) -> Vec<String> {
    let wanted = |event: &&Sent| event.sequence > stream.start && stream.wants(event) == Some(true);
    let mut due: Vec<_> = all.iter().filter(wanted).collect();
    due.sort_unstable_by_key(|event| event.sequence);
    let mut told = Told {
        stream,
        due: due.into_iter().peekable(),
        got: HashSet::new(),
        gaps: Vec::new(),
        passed: stream.start,
    };
    let mut wrong: Vec<_> = stream
        .frames
        .iter()
        .flat_map(|frame| told.hear(frame, sent))
        .collect();
    wrong.extend(told.false_gaps(all));
    wrong
}

impl<'a> Told<'a> {
    fn hear(&mut self, frame: &'a Frame, sent: &HashMap<u64, &Sent>) -> Vec<String> {
        match frame {
            Frame::Event(event) => {
                let number = event.sequence;
                let mut wrong: Vec<_> = judge_event(self.stream, event, sent).into_iter().collect();
                if number <= self.passed {
                    wrong.push(format!("{number} came after {}", self.passed));
                }
                if self.is_in_gap(event) {
                    wrong.push(format!("{number} came after a gap over it"));
                }
                self.got.insert(number);
                wrong.extend(self.pass(number));
                wrong
            }
            Frame::Gap {
                channel,
                after,
                through,
            } => {
                self.gaps.push((channel, *after, *through));
                Vec::new()
            }
            Frame::Position(position) if *position < self.passed => {
                vec![format!("position {position} came after {}", self.passed)]
            }
            Frame::Position(position) => self.pass(*position),
        }
    }

    /// Everything up to `number` has come, or a gap has told that it will not.
    fn pass(&mut self, number: u64) -> Vec<String> {
        self.passed = self.passed.max(number);
        let mut wrong = Vec::new();
        while let Some(event) = self.due.next_if(|event| event.sequence <= number) {
            if !self.got.contains(&event.sequence) && !self.is_in_gap(event) {
                wrong.push(format!(
                    "{} was lost in {:?} at {number}",
                    event.sequence, event.channel
                ));
            }
        }
        wrong
    }

    fn is_in_gap(&self, event: &Sent) -> bool {
        let over = |(channel, after, through): &(&str, u64, u64)| {
            *channel == event.channel && (after + 1..=*through).contains(&event.sequence)
        };
        self.gaps.iter().any(over)
    }

    /// Gaps where nothing is missing.
    fn false_gaps(&self, all: &[Sent]) -> Vec<String> {
        let is_false = |(channel, after, through): &&(&str, u64, u64)| {
            let lost = |event: &Sent| {
                event.channel == *channel
                    && (after + 1..=*through).contains(&event.sequence)
                    && !self.got.contains(&event.sequence)
            };
            !all.iter().any(lost)
        };
        let say = |(channel, after, through): &(&str, u64, u64)| {
            format!("a gap from {after} through {through} in {channel:?}, and nothing was lost")
        };
        self.gaps.iter().filter(is_false).map(say).collect()
    }
}

fn judge_event(stream: &Stream, event: &Sent, sent: &HashMap<u64, &Sent>) -> Option<String> {
    let number = event.sequence;
    match sent.get(&number) {
        None => Some(format!("{number} was never sent")),
        Some(sent) if !sent.same(event) => Some(format!("{number} is not what was sent")),
        Some(sent) if stream.wants(sent) != Some(true) => {
            Some(format!("{number} was not asked for"))
        }
        Some(_) => None,
    }
}
