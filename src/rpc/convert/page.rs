//! What is listed, page by page.

use std::hash::Hash;

use super::channel;
use super::place::Here;
use crate::hub::Range;
use crate::model::{ChannelName, Error, Invalid, Pattern};
use crate::rpc::keys::{Keys, Listing, Place};
use crate::rpc::wire;

/// Items on a page, if the request does not say and at most.
const PAGE: (usize, usize) = (100, 1_000);

/// One page of a list: how long it may be, and where it begins.
#[derive(Debug)]
pub(in crate::rpc) struct Page<P, T> {
    listing: Listing<P>,
    pub(in crate::rpc) size: usize,
    /// None for the first page.
    pub(in crate::rpc) place: Option<T>,
}

impl<P: Hash, T: Place> Page<P, T> {
    fn of(listing: Listing<P>, size: i32, token: &str, keys: &Keys) -> Result<Self, Error> {
        Ok(Self {
            size: page_size(size)?,
            place: keys.place(&listing, token)?,
            listing,
        })
    }

    /// The token of the page that begins at `next`.
    pub(in crate::rpc) fn token(&self, next: Option<&T>, keys: &Keys) -> String {
        keys.token(&self.listing, next)
    }
}

/// Whose members `GetMembers` lists.
pub(in crate::rpc) fn members<'a>(
    request: &'a wire::GetMembersRequest,
    keys: &Keys,
) -> Result<(ChannelName, Page<&'a str, u64>), Error> {
    let channel = channel(&request.channel)?;
    let listing = Listing {
        call: "GetMembers",
        parameters: request.channel.as_str(),
    };
    let page = Page::of(listing, request.page_size, &request.page_token, keys)?;
    Ok((channel, page))
}

/// What `ListChannels` lists.
pub(in crate::rpc) fn channels<'a>(
    request: &'a wire::ListChannelsRequest,
    keys: &Keys,
) -> Result<(Pattern, Page<&'a str, ChannelName>), Error> {
    let text = match request.pattern.as_str() {
        "" => ">",
        pattern => pattern,
    };
    let pattern =
        Pattern::new(text).map_err(|flaw| Error::invalid(Invalid::Channel, "pattern", flaw))?;
    let listing = Listing {
        call: "ListChannels",
        parameters: text,
    };
    let page = Page::of(listing, request.page_size, &request.page_token, keys)?;
    Ok((pattern, page))
}

/// What `GetHistory` lists.
#[derive(Debug)]
pub(in crate::rpc) struct Reading<'a> {
    pub(in crate::rpc) channel: ChannelName,
    pub(in crate::rpc) range: Range,
    /// Whether an end of the range lies in another life of the node, which is
    /// told on the first page.
    pub(in crate::rpc) elsewhere: bool,
    pub(in crate::rpc) page: Page<Parameters<'a>, Range>,
}

/// The channel, the ends of the range, and its direction.
type Parameters<'a> = (&'a str, Edge<'a>, Edge<'a>, bool);

type Edge<'a> = Option<(&'a str, u64)>;

/// What `GetHistory` lists. The ends of the range are located for the first
/// page; a token has them already.
pub(in crate::rpc) fn history<'a>(
    request: &'a wire::GetHistoryRequest,
    here: Here<'_>,
) -> Result<Reading<'a>, Error> {
    let channel = channel(&request.channel)?;
    let (after, before) = (request.after.as_ref(), request.before.as_ref());
    let listing = Listing {
        call: "GetHistory",
        parameters: (
            request.channel.as_str(),
            edge(after),
            edge(before),
            request.descending,
        ),
    };
    let page = Page::of(listing, request.page_size, &request.page_token, here.keys)?;
    let (range, elsewhere) = match page.place {
        Some(range) => (range, false),
        None => first(after, before, here)?,
    };
    let range = Range {
        descending: request.descending,
        ..range
    };
    Ok(Reading {
        channel,
        range,
        elsewhere,
        page,
    })
}

/// The range of a first page, and whether it reaches into another life.
///
/// This life has nothing before its number 0: all of it is after a position
/// in another life, and none of it before one.
fn first(
    after: Option<&wire::Position>,
    before: Option<&wire::Position>,
    here: Here<'_>,
) -> Result<(Range, bool), Error> {
    let locate = |position: Option<&wire::Position>, field| {
        let located = position.map(|position| here.locate(position, field));
        located.transpose()
    };
    let (after, before) = (locate(after, "after")?, locate(before, "before")?);
    let range = Range {
        after: after.map(Option::unwrap_or_default),
        before: before.map(Option::unwrap_or_default),
        ..Range::default()
    };
    Ok((range, after == Some(None) || before == Some(None)))
}

fn edge(position: Option<&wire::Position>) -> Edge<'_> {
    position.map(|position| (position.epoch.as_str(), position.sequence))
}

/// How many items a page may have.
fn page_size(asked: i32) -> Result<usize, Error> {
    let (default, most) = PAGE;
    match usize::try_from(asked) {
        Ok(0) => Ok(default),
        Ok(asked) => Ok(asked.min(most)),
        Err(_) => {
            let flaw = format!("is {asked}: must be 0 for {default}, or 1 to {most}");
            Err(Error::invalid(Invalid::PageSize, "page_size", flaw))
        }
    }
}
