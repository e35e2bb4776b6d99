//! Store, then deliver: a table and its events, with nothing missed between.
//!
//! A writer stores a row and *then* sends its event. A reader takes a position
//! and *then* loads the table; what comes after the position it applies, but
//! for rows that it has. In either other order there is a moment in which an
//! order is neither in what was loaded nor in what will come.
//!
//! `cargo run --example store_then_deliver`

#[path = "../common/mod.rs"]
mod common;
pub(crate) mod orders;

use std::collections::HashSet;
use std::io::Write;

use fanfare::rpc::client::subscribe_response::Frame;
use fanfare::rpc::client::{Payload, SendRequest};

use common::{Client, Follower, Node, Result, connect, listen_to};
use orders::{Order, Orders, Table, order};

const CHANNEL: &str = "orders";

pub(crate) struct Writer<'a, T> {
    pub(crate) table: &'a T,
    pub(crate) client: Client,
}

impl<T: Table> Writer<'_, T> {
    /// Stores an order, then tells of it. Where telling fails the order is
    /// stored all the same, and [`Writer::deliver_rest`] tells later.
    pub(crate) async fn place(&mut self, order: &Order) -> Result<()> {
        self.table.insert(order).await?;
        self.deliver(order).await
    }

    /// Tells what was stored and not told: at the start, and now and then.
    pub(crate) async fn deliver_rest(&mut self) -> Result<()> {
        for order in self.table.undelivered().await? {
            self.deliver(&order).await?;
        }
        Ok(())
    }

    async fn deliver(&mut self, order: &Order) -> Result<()> {
        let request = SendRequest {
            channel: CHANNEL.to_owned(),
            event: "placed".to_owned(),
            payload: Some(Payload::json(serde_json::to_value(order)?)),
            // The row's own, so that the node knows a second attempt.
            request_id: order.id.clone(),
            ..SendRequest::default()
        };
        self.client.send(request).await?;
        // A writer that dies before this tells again, which does no harm.
        self.table.mark_delivered(&order.id).await
    }
}

pub(crate) struct Reader<'a, T> {
    table: &'a T,
    events: Follower,
    shown: HashSet<String>,
}

impl<'a, T: Table> Reader<'a, T> {
    /// Takes a position, then loads the table. Returns what it holds, too.
    pub(crate) async fn open(table: &'a T, client: Client) -> Result<(Self, Vec<Order>)> {
        let mut events = Follower::new(client, listen_to(CHANNEL));
        events.next().await?; // `ready`: whatever is sent from now on will come
        let orders = table.load().await?;
        let shown = HashSet::new();
        let mut reader = Self {
            table,
            events,
            shown,
        };
        let orders = reader.not_shown(orders);
        Ok((reader, orders))
    }

    /// The next orders to show, each once.
    pub(crate) async fn next(&mut self) -> Result<Vec<Order>> {
        loop {
            let orders = match self.events.next().await? {
                Frame::Event(event) => {
                    let json = event.payload.and_then(|payload| payload.as_json());
                    vec![serde_json::from_value(json.unwrap_or_default())?]
                }
                // The events are lost, the orders are not: they were stored first.
                Frame::Gap(_) => self.table.load().await?,
                _ => continue,
            };
            let orders = self.not_shown(orders);
            if !orders.is_empty() {
                return Ok(orders);
            }
        }
    }

    fn not_shown(&mut self, mut orders: Vec<Order>) -> Vec<Order> {
        orders.retain(|order| self.shown.insert(order.id.clone()));
        orders
    }
}

pub(crate) async fn run(out: &mut impl Write) -> Result<()> {
    let node = Node::start().await?;
    let table = &Orders::new()?;
    let client = connect(&node.address)?;
    let mut writer = Writer { table, client };

    writer.place(&order("1", "tea")).await?;
    let (mut reader, loaded) = Reader::open(table, connect(&node.address)?).await?;
    writeln!(out, "loaded: {loaded:?}")?;
    writer.place(&order("2", "coffee")).await?;
    writeln!(out, "came:   {:?}", reader.next().await?)?;

    let address = node.crash().await;
    let failed = writer.place(&order("3", "cocoa")).await;
    writeln!(out, "stored, not told: {}", failed.is_err())?;
    let _node = Node::start_at(&address).await?;
    writer.deliver_rest().await?;
    writeln!(out, "came:   {:?}", reader.next().await?)?;
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    run(&mut std::io::stdout()).await
}
