//! The rules that a history is judged by.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::lists::judge_lists;
use super::record::{Frame, Gap, History, Place, Reader, Sent, Stream};
use super::told::Told;

/// What is known to have been sent, by epoch and number.
pub(super) type Facts<'a> = HashMap<&'a str, BTreeMap<u64, &'a Sent>>;

/// What is wrong with a history; nothing if it keeps the guarantees.
pub(crate) fn verify(history: &History) -> Vec<String> {
    let mut wrong = senders_order(&history.sent);
    let facts = facts(history, &mut wrong);
    for (index, reader) in history.readers.iter().enumerate() {
        let mut said = judge(reader, &facts);
        said.extend(judge_lists(reader, history));
        let said = said.into_iter();
        wrong.extend(said.map(|what| format!("reader {index}: {what}")));
    }
    wrong
}

/// Who is answered before another begins has the lower number.
fn senders_order(sent: &[Sent]) -> Vec<String> {
    let mut by_end: Vec<_> = sent.iter().collect();
    by_end.sort_unstable_by_key(|sent| sent.ended);
    let mut by_begin: Vec<_> = sent.iter().collect();
    by_begin.sort_unstable_by_key(|sent| sent.began);
    let mut ended = by_end.into_iter().peekable();
    let mut highest = HashMap::new();
    let mut wrong = Vec::new();
    for later in by_begin {
        while let Some(before) = ended.next_if(|before| before.ended < later.began) {
            let highest = highest.entry(&before.at.epoch).or_insert(0);
            *highest = before.at.sequence.max(*highest);
        }
        let highest = highest.get(&later.at.epoch).copied().unwrap_or_default();
        if later.at.sequence < highest {
            let later = later.at.sequence;
            wrong.push(format!("{highest} was answered before {later} began"));
        }
    }
    wrong
}

/// What was acknowledged, and what was only tried and has been received.
fn facts<'a>(history: &'a History, wrong: &mut Vec<String>) -> Facts<'a> {
    let mut facts = Facts::new();
    for sent in &history.sent {
        let epoch = facts.entry(&sent.at.epoch).or_default();
        if epoch.insert(sent.at.sequence, sent).is_some() {
            wrong.push(format!("{} was given twice", sent.at.sequence));
        }
    }
    let tried: HashSet<_> = history.tried.iter().map(Sent::says).collect();
    for frame in history.frames() {
        if let Frame::Event(event) = frame
            && tried.contains(&event.says())
        {
            let epoch = facts.entry(&event.at.epoch).or_default();
            epoch.entry(event.at.sequence).or_insert(event);
        }
    }
    facts
}

/// Each stream, and that each goes on where the one before was.
fn judge(reader: &Reader, facts: &Facts<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut kept: Option<Place> = None;
    let mut members = HashMap::new();
    for (index, stream) in reader.streams.iter().enumerate() {
        let mut say = |what: String| wrong.push(format!("stream {index}: {what}"));
        if let Some(kept) = kept.filter(|kept| *kept != stream.start) {
            say(format!("begins at {:?}, not {kept:?}", stream.start));
        }
        opening(stream, index > 0).into_iter().for_each(&mut say);
        let mut told = Told::new(reader, stream, facts);
        for frame in &stream.frames {
            told.hear(frame).into_iter().for_each(&mut say);
        }
        told.false_gaps().into_iter().for_each(&mut say);
        kept = Some(told.kept());
        if let Some(epoch) = epoch(stream) {
            let member = members.entry(epoch).or_insert(&stream.member);
            if **member != stream.member {
                say(format!("is {}, who was {member}", stream.member));
            }
        }
    }
    wrong
}

/// `recovered` says whether gaps come first.
fn opening(stream: &Stream, resumed: bool) -> Option<String> {
    let is_list = |frame: &&Frame| !matches!(frame, Frame::Members { .. });
    let gap = match stream.frames.iter().find(is_list)? {
        Frame::Gap(gap) => Some(gap),
        _ => None,
    };
    let is_opening = |gap: &&Gap| gap.reason != fanfare::rpc::client::GapReason::Overflow;
    let gap = gap.filter(is_opening);
    (stream.recovered != (resumed && gap.is_none()))
        .then(|| format!("recovered is {}, and first {gap:?}", stream.recovered))
}

/// The life of the node that a stream is in, as far as it was told.
fn epoch(stream: &Stream) -> Option<&str> {
    let told = stream.frames.iter().rev().find_map(|frame| match frame {
        Frame::Position(place) => Some(place.epoch.as_str()),
        Frame::Gap(gap) => Some(gap.epoch.as_str()),
        _ => None,
    });
    told.or(stream.recovered.then_some(stream.start.epoch.as_str()))
}
