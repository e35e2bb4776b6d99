//! A client, for services in Rust.
//!
//! ```no_run
//! use fanfare::client::{Client, Frame, Message};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use tokio_stream::StreamExt;
//!
//! let client = Client::connect("127.0.0.1:50051").await?;
//! let order = serde_json::json!({"id": 17, "state": "paid"});
//! client.send("orders.17", Message::json("paid", &order)?).await?;
//!
//! let mut orders = client.subscribe().to("orders.*").open().await?;
//! while let Some(frame) = orders.next().await {
//!     match frame? {
//!         Frame::Event(event) => println!("{} {}", event.channel, event.name),
//!         Frame::Gap(gap) => println!("load {} anew", gap.channel),
//!         Frame::Presence(_) | Frame::Notice(_) => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! - **Calls** are repeated while the node cannot be reached or says
//!   `UNAVAILABLE`, within [`Builder::timeout`]. A repeat is harmless: sends
//!   carry a `request_id` of their own, and everything else is idempotent.
//! - A [`Subscription`] comes back after every cut, and resumes: nothing is
//!   missed unsaid and nothing comes twice. It keeps to `docs/protocol.md`,
//!   "One number".
//! - **A gap cannot be passed over by accident.** What comes is a [`Frame`],
//!   which is matched in full and says so when a gap is left out of the match;
//!   who wants events only has [`Subscription::next_event`], for which a gap is
//!   an error. There is no stream of bare events.
//! - **Back-pressure** is the connection's: a subscription reads only when it
//!   is polled, and has a connection of its own, with a window of
//!   [`Builder::window`] bytes. Who reads too slowly slows nobody, and gets a
//!   gap.
//! - A [`Session`] is one stream for everything, pipelined.
//!
//! What it knows of the wire are the types of [`rpc::client`](crate::rpc::client);
//! of a node it knows nothing.

mod address;
mod back_off;
mod builder;
mod call;
mod codec;
mod error;
mod event;
mod exact;
mod following;
mod kept;
mod lingering;
mod message;
mod pages;
mod payload;
mod position;
mod presence;
mod profile;
mod session;
mod subscribe;
mod subscription;

pub use address::Address;
pub use builder::Builder;
pub use call::Client;
pub use error::{Error, FieldViolation, Reason};
pub use event::{Event, Gap, GapReason, Headers};
pub use following::{Cut, Following, Raw};
pub use message::{Message, Receipt};
pub use pages::{ChannelInfo, History, Pages, Past};
pub use payload::{Payload, PayloadError};
pub use position::Position;
pub use presence::{Change, ChangeKind, Member, Members, Presence};
pub use profile::Update;
pub use session::{Session, SessionFrames};
pub use subscribe::{Channel, Subscribe};
pub use subscription::{
    Closing, ClosingReason, Frame, Heartbeat, NoEvent, Notice, Ready, Subscription,
};

pub use prost_types::Any;
pub use tonic::Code;

/// The page for users, so that its examples are compiled.
#[cfg(doctest)]
#[doc = include_str!("../../docs/clients.md")]
struct Page;
