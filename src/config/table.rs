//! The table of settings; the defaults are those of the `Limits` themselves.

use std::fmt::Write as _;
use std::time::Duration;

use super::Setting;
use super::setting::Field::{self, Count, Count32, Format, Size, Text, Time, TimeOrZero};
use crate::http;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Every setting, in the order of the documentation.
pub static SETTINGS: &[Setting] = &[
    row(
        "listen",
        Text("HOST:PORT", check_address, |c| &mut c.listen),
        "Address to listen on; port 0 takes any free one",
    ),
    row(
        "log",
        Text("a tracing filter", check_filter, |c| &mut c.log),
        "What is logged, as `info` or `info,fanfare=debug`",
    ),
    row(
        "log_format",
        Format(|c| &mut c.log_format),
        "Form of a log line on stderr",
    ),
    // A million small events fill the largest useful log_bytes anyway.
    row(
        "log_events",
        Count(1..=1_000_000, |c| &mut c.hub.log_events),
        "Events a channel's log keeps",
    ),
    // Four of the smallest payload; beyond 1 GiB a channel is a database.
    row(
        "log_bytes",
        Size(4 * KIB..=GIB, |c| &mut c.hub.log_bytes),
        "Bytes a channel's log keeps, at least 4 x `payload_bytes`",
    ),
    // Under a second no client could come back; over a day it is storage.
    row(
        "log_age",
        Time(seconds(1, DAY), |c| &mut c.hub.log_age),
        "How long a channel's log keeps an event",
    ),
    // 1 MiB still holds a few channels; 1 TiB is more than one node has.
    row(
        "node_bytes",
        Size(MIB..=1024 * GIB, |c| &mut c.hub.node_bytes),
        "Bytes all logs of the node keep, at least `log_bytes`",
    ),
    // A list of 10,000 members with small profiles is about 2 MiB.
    row(
        "list_bytes",
        Size(MIB..=16 * GIB, |c| &mut c.hub.list_bytes),
        "Bytes of the lists of members that watchers are being handed",
    ),
    // Each costs some hundred bytes that node_bytes counts.
    row(
        "channels",
        Count(1..=10_000_000, |c| &mut c.hub.channels),
        "Channels at a time",
    ),
    // At about 4 KiB each, a million streams are 4 GiB.
    row(
        "streams",
        Count(1..=1_000_000, |c| &mut c.hub.streams),
        "Open streams at a time",
    ),
    row(
        "members",
        Count(1..=10_000_000, |c| &mut c.hub.members),
        "Subscriptions of all streams, members and observers alike",
    ),
    // Each costs its stream some hundred bytes, and one pattern can bring them
    // all: at 100,000 a stream holds some 10 MiB.
    row(
        "stream_channels",
        Count(1..=100_000, |c| &mut c.hub.stream_channels),
        "Channels one stream may listen to, those its patterns match included",
    ),
    // Under a second no client could come back; for longer than the longest
    // heartbeat, members would be listed that nobody can reach.
    row(
        "leave_grace",
        TimeOrZero(seconds(1, 5 * MINUTE), |c| &mut c.hub.leave_grace),
        "How long a member stays whose connection broke, for it to come back",
    ),
    // Some hundred bytes each, held whether or not anyone repeats a request.
    row(
        "request_ids",
        Count(1..=10_000_000, |c| &mut c.hub.request_ids),
        "Newest request ids the node remembers",
    ),
    row(
        "request_age",
        Time(seconds(1, DAY), |c| &mut c.hub.request_age),
        "How long a request id is remembered",
    ),
    // A second is a pause of any garbage collector; after an hour what a
    // stalled stream pins has long been lost to it.
    row(
        "stall_timeout",
        Time(seconds(1, HOUR), |c| &mut c.hub.stall_timeout),
        "How long a stream with something to deliver may take nothing of it",
    ),
    // Client stubs refuse messages over 4 MiB by default, and the event around
    // a payload has headers and names of its own.
    row(
        "payload_bytes",
        Size(KIB..=3 * MIB, |c| &mut c.rpc.payload_bytes),
        "Bytes of a payload as encoded",
    ),
    // Two still fit in a members frame, which is at most 256 KiB.
    row(
        "profile_bytes",
        Size(0..=128 * KIB, |c| &mut c.rpc.profile_bytes),
        "Bytes of a member's profile as encoded",
    ),
    // 64 headers of 4 KiB beside the largest payload stay under 4 MiB.
    row(
        "headers",
        Count(0..=64, |c| &mut c.rpc.headers),
        "Headers of an event",
    ),
    row(
        "header_bytes",
        Size(16..=4 * KIB, |c| &mut c.rpc.header_bytes),
        "Bytes of one header, name and value together",
    ),
    // Each event is compared with all of them, for each such subscriber.
    row(
        "event_filters",
        Count(1..=1_000, |c| &mut c.rpc.event_filters),
        "Event names in one subscription's filter",
    ),
    // 15,000 of the longest names still fit in a request of 4 MiB.
    row(
        "subscriptions",
        Count(1..=15_000, |c| &mut c.rpc.subscriptions),
        "Subscriptions of one request",
    ),
    // The range that the contract lets a client ask for.
    row(
        "heartbeat",
        Time(seconds(1, 5 * MINUTE), |c| &mut c.rpc.heartbeat),
        "Heartbeat interval of a stream that asks for none",
    ),
    // Under 10 s a node would do little but let clients come back.
    row(
        "stream_age",
        TimeOrZero(seconds(10, 30 * DAY), |c| &mut c.rpc.stream_age),
        "Age at which a stream is closed, give or take 10 %",
    ),
    // What a browser asks before it lets a page of another origin call.
    row(
        "cors_origins",
        Text(
            "none, *, or origins as https://example.com with commas between",
            http::check_origins,
            |c| &mut c.http.cors_origins,
        ),
        "Origins whose pages a browser lets call: JSON, events, gRPC-Web",
    ),
    // At about 37 KiB each, a million connections are 37 GiB.
    row(
        "connections",
        Count(1..=1_000_000, |c| &mut c.transport.connections),
        "Connections at a time",
    ),
    row(
        "connection_streams",
        Count32(1..=1_000_000, |c| &mut c.transport.connection_streams),
        "Streams one connection may have open; clients queue the rest",
    ),
    // Smaller than a DATA frame of 16 KiB would cost a write for each part; a
    // stalled stream holds this much, so a MiB each is already a lot.
    row(
        "send_buffer",
        Size(16 * KIB..=MIB, |c| &mut c.transport.send_buffer),
        "Bytes of a stream that wait for the peer's window",
    ),
    row(
        "gather_buffer",
        Size(16 * KIB..=MIB, |c| &mut c.transport.gather_buffer),
        "Bytes of a connection gathered into one write",
    ),
    // Most middleboxes forget an idle connection after some minutes to an hour.
    row(
        "keepalive_interval",
        Time(seconds(1, HOUR), |c| &mut c.transport.keepalive_interval),
        "After this long without a sign of life a peer is pinged",
    ),
    row(
        "keepalive_timeout",
        Time(seconds(1, 5 * MINUTE), |c| {
            &mut c.transport.keepalive_timeout
        }),
        "A peer that does not answer a ping within this is cut off",
    ),
    // The process is to be gone within 25 s of SIGTERM: 5 s are for the rest.
    row(
        "drain_timeout",
        Time(seconds(1, 20), |c| &mut c.transport.drain_timeout),
        "At shutdown, how long connections may take to end",
    ),
];

const fn row(key: &'static str, field: Field, meaning: &'static str) -> Setting {
    Setting {
        key,
        meaning,
        field,
    }
}

const fn seconds(least: u64, most: u64) -> std::ops::RangeInclusive<Duration> {
    Duration::from_secs(least)..=Duration::from_secs(most)
}

/// The settings as a table in Markdown: the README's.
pub fn table() -> String {
    let head = "| setting | unit | default | allowed | meaning |\n|---|---|---|---|---|\n";
    SETTINGS.iter().fold(head.to_owned(), |mut text, setting| {
        let (key, unit, meaning) = (setting.key, setting.unit(), setting.meaning);
        let (default, allowed) = (setting.default(), setting.allowed());
        let _ = writeln!(
            text,
            "| `{key}` | {unit} | `{default}` | {allowed} | {meaning} |"
        );
        text
    })
}

/// The settings as plain text, two lines each: for `--help`.
pub fn help() -> String {
    SETTINGS.iter().fold(String::new(), |mut text, setting| {
        let (key, meaning) = (setting.key, setting.meaning);
        let (default, allowed) = (setting.default(), setting.allowed());
        let _ = writeln!(text, "  {key} = {default}  [{allowed}]\n      {meaning}");
        text
    })
}

fn check_address(text: &str) -> Result<(), String> {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(()),
        _ => Err(format!("is {text:?}, not HOST:PORT")),
    }
}

fn check_filter(text: &str) -> Result<(), String> {
    match tracing_subscriber::EnvFilter::try_new(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("is {text:?}: {error}")),
    }
}
