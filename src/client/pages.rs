//! Lists that come page by page.

use std::fmt;

use prost::Message;

use super::{Client, Error, Event, Gap, Member, Position};
use crate::rpc::client as proto;

/// A channel that has members, or an event that has not aged out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelInfo {
    /// Its name.
    pub name: String,
    /// Its members on this node, observers not counted.
    pub member_count: u32,
    /// The number of its newest event; 0: none in this epoch.
    pub last_sequence: u64,
}

impl From<proto::ChannelInfo> for ChannelInfo {
    fn from(channel: proto::ChannelInfo) -> Self {
        Self {
            name: channel.name,
            member_count: u32::try_from(channel.member_count).unwrap_or_default(),
            last_sequence: channel.last_sequence,
        }
    }
}

/// A list, of which a page is asked for when it is wanted.
///
/// ```no_run
/// # async fn run(client: fanfare::Client) -> Result<(), fanfare::client::Error> {
/// for member in client.members("technology-chat").all().await? {
///     println!("{} {:?}", member.id, member.profile);
/// }
/// # Ok(())
/// # }
/// ```
pub struct Pages<T> {
    client: Client,
    /// The token of the next page; none after the last.
    token: Option<String>,
    fetch: Fetch<T>,
}

type Fetch<T> = Box<dyn Fn(Client, String) -> Fetching<T> + Send + Sync>;
type Fetching<T> = std::pin::Pin<Box<dyn Future<Output = Result<(Vec<T>, String), Error>> + Send>>;

impl<T> Pages<T> {
    /// The next page, in which nothing need be; none after the last one.
    ///
    /// # Errors
    ///
    /// As any call. The same page is asked for again by the next call of this.
    pub async fn next(&mut self) -> Result<Option<Vec<T>>, Error> {
        let Some(token) = &self.token else {
            return Ok(None);
        };
        let (page, token) = (self.fetch)(self.client.clone(), token.clone()).await?;
        self.token = (!token.is_empty()).then_some(token);
        Ok(Some(page))
    }

    /// All that is left of the list.
    ///
    /// # Errors
    ///
    /// As any call.
    pub async fn all(mut self) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        while let Some(page) = self.next().await? {
            all.extend(page);
        }
        Ok(all)
    }

    fn new<Q, A>(
        client: Client,
        method: &'static str,
        request: impl Fn(String) -> Q + Send + Sync + 'static,
        page: fn(A) -> (Vec<T>, String),
    ) -> Self
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
        T: 'static,
    {
        let fetch = move |client: Client, token| -> Fetching<T> {
            let request = request(token);
            Box::pin(async move { client.ask(method, &request).await.map(page) })
        };
        Self {
            client,
            token: Some(String::new()),
            fetch: Box::new(fetch),
        }
    }
}

/// Items of a page: enough for one round trip, and within its 1 MiB.
const PAGE: i32 = 1_000;

impl Pages<Member> {
    pub(super) fn members(client: Client, channel: String) -> Self {
        let request = move |page_token| proto::GetMembersRequest {
            channel: channel.clone(),
            page_size: PAGE,
            page_token,
        };
        Self::new(
            client,
            "GetMembers",
            request,
            |page: proto::GetMembersResponse| {
                let members = page.members.into_iter().map(Into::into);
                (members.collect(), page.next_page_token)
            },
        )
    }
}

impl Pages<ChannelInfo> {
    pub(super) fn channels(client: Client, pattern: String) -> Self {
        let request = move |page_token| proto::ListChannelsRequest {
            pattern: pattern.clone(),
            page_size: PAGE,
            page_token,
        };
        Self::new(
            client,
            "ListChannels",
            request,
            |page: proto::ListChannelsResponse| {
                let channels = page.channels.into_iter().map(Into::into);
                (channels.collect(), page.next_page_token)
            },
        )
    }
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client, token, .. } = self;
        let mut shown = f.debug_struct("Pages");
        shown.field("client", client).field("token", token);
        shown.finish_non_exhaustive()
    }
}

/// What the log of a channel still holds, page by page.
///
/// ```no_run
/// # async fn run(client: fanfare::Client) -> Result<(), fanfare::client::Error> {
/// let past = client.history("orders").all().await?;
/// if let Some(gap) = past.gap {
///     println!("no longer known: {} to {}", gap.after, gap.through);
/// }
/// // Goes on where the history ends: nothing is missed, nothing comes twice.
/// let stream = client.subscribe().to("orders").resume(past.position).open().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct History {
    client: Client,
    /// What asks for the next page; none after the last.
    request: Option<proto::GetHistoryRequest>,
}

/// A part of the past of a channel.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Past {
    /// The events.
    pub events: Vec<Event>,
    /// From where a stream that resumes misses nothing of what comes after.
    pub position: Position,
    /// The place of the oldest event that the log holds, if it holds any.
    pub oldest: Option<Position>,
    /// What is missing of the part asked for, if anything is.
    pub gap: Option<Gap>,
}

impl History {
    pub(super) fn of(client: Client, channel: String) -> Self {
        let request = proto::GetHistoryRequest {
            channel,
            page_size: PAGE,
            ..proto::GetHistoryRequest::default()
        };
        Self {
            client,
            request: Some(request),
        }
    }

    /// Leaves out what lies up to this position.
    #[must_use]
    pub fn after(self, position: Position) -> Self {
        self.with(|request| request.after = Some(position.into()))
    }

    /// Leaves out what lies from this position on.
    #[must_use]
    pub fn before(self, position: Position) -> Self {
        self.with(|request| request.before = Some(position.into()))
    }

    /// Begins with the newest.
    #[must_use]
    pub fn newest_first(self) -> Self {
        self.with(|request| request.descending = true)
    }

    /// Asks for so many events at a time, at most 1,000.
    #[must_use]
    pub fn page_size(self, events: u16) -> Self {
        self.with(|request| request.page_size = events.into())
    }

    /// The next page; none after the last one.
    ///
    /// # Errors
    ///
    /// As any call. The same page is asked for again by the next call of this.
    pub async fn next(&mut self) -> Result<Option<Past>, Error> {
        let Some(request) = &mut self.request else {
            return Ok(None);
        };
        let page: proto::GetHistoryResponse = self.client.ask("GetHistory", request).await?;
        if page.next_page_token.is_empty() {
            self.request = None;
        } else {
            request.page_token = page.next_page_token;
        }
        Ok(Some(Past {
            events: page.events.into_iter().map(Into::into).collect(),
            position: page.position.unwrap_or_default().into(),
            oldest: page.oldest.map(Into::into),
            gap: page.gap.map(Into::into),
        }))
    }

    /// All that is left, as one: its position is that of the last page, and its
    /// gap spans those of all pages.
    ///
    /// # Errors
    ///
    /// As any call, or there is nothing left.
    pub async fn all(mut self) -> Result<Past, Error> {
        let Some(mut all) = self.next().await? else {
            return Err(Error::over("the history"));
        };
        while let Some(page) = self.next().await? {
            let mut events = all.events;
            events.extend(page.events);
            let gap = span(all.gap, page.gap.clone());
            all = Past {
                events,
                gap,
                ..page
            };
        }
        Ok(all)
    }

    fn with(mut self, set: impl FnOnce(&mut proto::GetHistoryRequest)) -> Self {
        self.request.as_mut().map(set);
        self
    }
}

/// What both gaps leave out, as one.
fn span(first: Option<Gap>, second: Option<Gap>) -> Option<Gap> {
    let (Some(first), Some(second)) = (&first, &second) else {
        return first.or(second);
    };
    Some(Gap {
        after: first.after.min(second.after),
        through: first.through.max(second.through),
        ..first.clone()
    })
}
