//! The calls that list: who is in a channel, what it holds, which there are.
//!
//! Each answers one page. What the node would have to remember for the next
//! one is in its token.

use super::convert::{self, Here};
use super::frame;
use super::wire;
use crate::hub::{About, Gap, GapReason};
use crate::model::Error;

/// Bytes at which a page ends, as encoded.
const PAGE: usize = 1 << 20;

/// Bytes of members on a page, by the hub's count of profiles and ids, where
/// each of a thousand has tags, lengths and a time.
const MEMBERS: usize = PAGE - 1_000 * 32;

/// Bytes of events on a page, by the hub's count of whole frames, each larger
/// than the event in a response. The rest of a response are two positions, a
/// token and a gap: with a channel of 255 bytes, not half of what is left.
const EVENTS: usize = PAGE - (1 << 10);

/// Answers a `GetMembers`.
pub(super) fn members(
    here: Here<'_>,
    request: &wire::GetMembersRequest,
) -> Result<wire::GetMembersResponse, Error> {
    let (channel, page) = convert::members(request, here.keys)?;
    let found = here.hub.members(&channel, page.place, page.size, MEMBERS);
    Ok(wire::GetMembersResponse {
        members: found.members.iter().map(frame::member).collect(),
        next_page_token: page.token(found.next.as_ref(), here.keys),
        total_size: i32::try_from(found.total).unwrap_or(i32::MAX),
    })
}

/// Answers a `GetHistory`.
pub(super) fn history(
    here: Here<'_>,
    request: &wire::GetHistoryRequest,
) -> Result<wire::GetHistoryResponse, Error> {
    let reading = convert::history(request, here)?;
    let (channel, page) = (&reading.channel, &reading.page);
    let found = here.hub.history(channel, reading.range, page.size, EVENTS);
    let position = |sequence| frame::position(&here.hub.position(sequence));
    let lost = if reading.elsewhere {
        let through = found.gap.map_or(0, |(_, through)| through);
        Some((0, through, GapReason::EpochChanged))
    } else {
        let gap = found.gap;
        gap.map(|(after, through)| (after, through, GapReason::Expired))
    };
    let gap = lost.map(|(after, through, reason)| Gap {
        channel: channel.as_str(),
        after,
        through,
        reason,
    });
    Ok(wire::GetHistoryResponse {
        next_page_token: page.token(found.next.as_ref(), here.keys),
        // What a log holds was encoded here, and decodes.
        events: found.frames.into_iter().filter_map(frame::decode).collect(),
        position: Some(position(found.position)),
        oldest: found.oldest.map(position),
        gap: gap.map(|gap| frame::gap(&gap, here.hub.epoch())),
    })
}

/// Answers a `ListChannels`. A thousand of the longest names stay far below
/// the bytes of a page.
pub(super) fn channels(
    here: Here<'_>,
    request: &wire::ListChannelsRequest,
) -> Result<wire::ListChannelsResponse, Error> {
    let (pattern, page) = convert::channels(request, here.keys)?;
    let found = here.hub.channels(&pattern, page.place.as_ref(), page.size);
    Ok(wire::ListChannelsResponse {
        channels: found.channels.iter().map(about).collect(),
        next_page_token: page.token(found.next.as_ref(), here.keys),
    })
}

fn about(channel: &About) -> wire::ChannelInfo {
    wire::ChannelInfo {
        name: channel.name.as_str().to_owned(),
        member_count: i32::try_from(channel.members).unwrap_or(i32::MAX),
        last_sequence: channel.newest,
    }
}
