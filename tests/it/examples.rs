//! The examples, run: each prints what it is to show, and the promises that
//! its comments make hold where they are hardest to keep.

mod bridging;
mod chatting;
mod cookbook;
mod embedding;
mod storing;
mod typing;

#[path = "../../examples/bridge/main.rs"]
#[allow(dead_code, reason = "its main")]
mod bridge;
#[path = "../../examples/chat/main.rs"]
#[allow(dead_code, reason = "its main")]
mod chat;
#[path = "../../examples/common/mod.rs"]
mod common;
#[path = "../../examples/embed.rs"]
#[allow(dead_code, reason = "its main")]
mod embed;
#[path = "../../examples/store_then_deliver/main.rs"]
#[allow(dead_code, reason = "its main")]
mod store_then_deliver;
#[path = "../../examples/typed_events.rs"]
#[allow(dead_code, reason = "its main")]
mod typed_events;

use cookbook::blocks_of;

use crate::support::PATIENCE;

/// Runs an example, which prints what the cookbook says it prints.
macro_rules! prints_what_it_should {
    ($example:ident) => {
        let mut out = Vec::new();
        let run = $example::run(&mut out);
        tokio::time::timeout(PATIENCE, run).await.unwrap().unwrap();
        let printed = String::from_utf8(out).unwrap();
        assert_eq!([printed], *blocks_of(stringify!($example), "text"));
    };
}

#[tokio::test]
async fn store_then_deliver_shows_every_order_once() {
    prints_what_it_should!(store_then_deliver);
}

#[tokio::test]
async fn chat_shows_who_comes_and_goes_and_misses_nothing_in_a_cut() {
    prints_what_it_should!(chat);
}

#[tokio::test]
async fn typed_events_opens_what_it_knows_and_passes_over_the_rest() {
    prints_what_it_should!(typed_events);
}

#[tokio::test]
async fn embed_sends_from_within_and_tells_everyone_of_its_end() {
    prints_what_it_should!(embed);
}

#[tokio::test]
async fn bridge_copies_across_a_crash_of_its_own_and_of_the_source() {
    prints_what_it_should!(bridge);
}
