//! Typed events: messages of your own, sent from service to service.
//!
//! A payload of the kind `any` carries a protobuf message and the name of its
//! type. Who receives it opens the types that it knows and passes over the
//! others, so a service may begin to send a new one before all the rest have
//! heard of it.
//!
//! `cargo run --example typed_events`

mod common;

use std::io::Write;

use fanfare::rpc::client::{Event, Payload, SendRequest, subscribe_response::Frame};
use prost::{Message, Name};

use common::{Client, Follower, Node, Result, connect, listen_to};

const CHANNEL: &str = "shop";

/// `message OrderPlaced { string order = 1; uint64 cents = 2; }`
///
/// Written by hand here; `tonic-prost-build` makes it of your proto, and the
/// name with it where `enable_type_names` is set.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct OrderPlaced {
    #[prost(string, tag = "1")]
    pub(crate) order: String,
    #[prost(uint64, tag = "2")]
    pub(crate) cents: u64,
}

/// `message OrderShipped { string order = 1; string carrier = 2; }`
#[derive(Clone, PartialEq, Message)]
pub(crate) struct OrderShipped {
    #[prost(string, tag = "1")]
    pub(crate) order: String,
    #[prost(string, tag = "2")]
    pub(crate) carrier: String,
}

/// One that the receiver has not heard of yet.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct OrderReviewed {
    #[prost(uint32, tag = "1")]
    pub(crate) stars: u32,
}

impl Name for OrderPlaced {
    const PACKAGE: &'static str = "shop.v1";
    const NAME: &'static str = "OrderPlaced";
}

impl Name for OrderShipped {
    const PACKAGE: &'static str = "shop.v1";
    const NAME: &'static str = "OrderShipped";
}

impl Name for OrderReviewed {
    const PACKAGE: &'static str = "shop.v1";
    const NAME: &'static str = "OrderReviewed";
}

pub(crate) async fn publish<M: Name>(client: &mut Client, message: &M) -> Result<()> {
    let request = SendRequest {
        channel: CHANNEL.to_owned(),
        // For those who filter by name, and for people who look.
        event: M::NAME.to_owned(),
        payload: Some(Payload::any(message)),
        ..SendRequest::default()
    };
    client.send(request).await?;
    Ok(())
}

/// What the receiver makes of an event. An error is a message that does not
/// hold what its name says.
pub(crate) fn handle(event: &Event) -> Result<String> {
    let Some(any) = event.payload.as_ref().and_then(Payload::as_any) else {
        return Ok(format!("passed over {:?}: no message", event.name));
    };
    // What stands before the last slash says where the type is described.
    Ok(match any.type_url.rsplit('/').next() {
        Some("shop.v1.OrderPlaced") => {
            let OrderPlaced { order, cents } = Message::decode(&*any.value)?;
            format!("order {order} was placed for {cents} cents")
        }
        Some("shop.v1.OrderShipped") => {
            let OrderShipped { order, carrier } = Message::decode(&*any.value)?;
            format!("order {order} was shipped with {carrier}")
        }
        _ => format!("passed over {:?}: not known here", any.type_url),
    })
}

pub(crate) async fn run(out: &mut impl Write) -> Result<()> {
    let node = Node::start().await?;
    let mut events = Follower::new(connect(&node.address)?, listen_to(CHANNEL));
    events.next().await?; // `ready`: whatever is sent from now on will come

    let mut client = connect(&node.address)?;
    let order = "7".to_owned();
    let placed = OrderPlaced { order, cents: 450 };
    publish(&mut client, &placed).await?;
    publish(&mut client, &OrderReviewed { stars: 5 }).await?;
    let (order, carrier) = ("7".to_owned(), "a pigeon".to_owned());
    publish(&mut client, &OrderShipped { order, carrier }).await?;

    let mut heard = 0;
    while heard < 3 {
        if let Frame::Event(event) = events.next().await? {
            writeln!(out, "{}", handle(&event)?)?;
            heard += 1;
        }
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    run(&mut std::io::stdout()).await
}
