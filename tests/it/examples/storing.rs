//! `store_then_deliver`, stepped into between any two of its steps: each test
//! here fails if the writer tells before it stores, or if the reader loads
//! before it takes its position, as its comment says.

use std::cell::{Cell, RefCell};
use std::pin::Pin;

use fanfare::rpc::client::GetHistoryRequest;

use super::common::{Client, Node, Result, connect};
use super::store_then_deliver::orders::{Order, Orders, Table, order};
use super::store_then_deliver::{Reader, Writer};
use crate::support::PATIENCE;

/// What somebody else does meanwhile.
type Step<'a> = RefCell<Option<Pin<Box<dyn Future<Output = ()> + 'a>>>>;

fn step<'a>(step: impl Future<Output = ()> + 'a) -> Step<'a> {
    RefCell::new(Some(Box::pin(step)))
}

async fn take(step: &Step<'_>) {
    let taken = step.borrow_mut().take();
    if let Some(step) = taken {
        step.await;
    }
}

/// The table, with others stepping in once.
struct Meanwhile<'a> {
    table: &'a Orders,
    before_insert: Step<'a>,
    after_insert: Step<'a>,
    after_load: Step<'a>,
}

impl<'a> Meanwhile<'a> {
    fn nothing(table: &'a Orders) -> Self {
        let [before_insert, after_insert, after_load] = [const { RefCell::new(None) }; 3];
        Self {
            table,
            before_insert,
            after_insert,
            after_load,
        }
    }
}

impl Table for Meanwhile<'_> {
    async fn insert(&self, order: &Order) -> Result<()> {
        take(&self.before_insert).await;
        self.table.insert(order).await?;
        take(&self.after_insert).await;
        Ok(())
    }

    async fn mark_delivered(&self, id: &str) -> Result<()> {
        self.table.mark_delivered(id).await
    }

    async fn undelivered(&self) -> Result<Vec<Order>> {
        self.table.undelivered().await
    }

    async fn load(&self) -> Result<Vec<Order>> {
        let orders = self.table.load().await?;
        take(&self.after_load).await;
        Ok(orders)
    }
}

fn client(node: &Node) -> Client {
    connect(&node.address).unwrap()
}

fn writer<'a, T: Table>(table: &'a T, node: &Node) -> Writer<'a, T> {
    let client = client(node);
    Writer { table, client }
}

async fn place(table: &Orders, node: &Node, order: &Order) {
    writer(table, node).place(order).await.unwrap();
}

/// What a reader shows next.
async fn next<T: Table>(reader: &mut Reader<'_, T>) -> Vec<Order> {
    let next = tokio::time::timeout(PATIENCE, reader.next()).await;
    next.expect("an order in time").unwrap()
}

/// Told before it is stored, the order would be gone by from the stream when
/// the reader comes, and not yet in the table.
#[tokio::test]
async fn an_order_is_shown_to_a_reader_that_comes_just_before_it_is_stored() {
    let (node, orders) = (Node::start().await.unwrap(), Orders::new().unwrap());
    let opened = Cell::new(None);
    let meanwhile = Meanwhile {
        before_insert: step(async {
            opened.set(Some(Reader::open(&orders, client(&node)).await.unwrap()));
        }),
        ..Meanwhile::nothing(&orders)
    };
    let (first, second) = (order("1", "tea"), order("2", "coffee"));
    writer(&meanwhile, &node).place(&first).await.unwrap();
    place(&orders, &node, &second).await;
    let (mut reader, seen) = opened.take().expect("a reader came");
    assert_eq!(seen, []);
    assert_eq!(next(&mut reader).await, [first]);
    assert_eq!(next(&mut reader).await, [second]);
}

/// It is in the table, and then comes as an event too.
#[tokio::test]
async fn an_order_is_shown_once_to_a_reader_that_comes_before_it_is_told() {
    let (node, orders) = (Node::start().await.unwrap(), Orders::new().unwrap());
    let opened = Cell::new(None);
    let meanwhile = Meanwhile {
        after_insert: step(async {
            opened.set(Some(Reader::open(&orders, client(&node)).await.unwrap()));
        }),
        ..Meanwhile::nothing(&orders)
    };
    let (first, second) = (order("1", "tea"), order("2", "coffee"));
    writer(&meanwhile, &node).place(&first).await.unwrap();
    place(&orders, &node, &second).await;
    let (mut reader, seen) = opened.take().expect("a reader came");
    assert_eq!(seen, [first]);
    assert_eq!(next(&mut reader).await, [second]);
}

/// Loaded before the position is taken, the order would be in neither.
#[tokio::test]
async fn an_order_that_is_placed_just_after_a_reader_has_loaded_is_shown() {
    let (node, orders) = (Node::start().await.unwrap(), Orders::new().unwrap());
    let meanwhile = Meanwhile {
        after_load: step(async { place(&orders, &node, &order("1", "tea")).await }),
        ..Meanwhile::nothing(&orders)
    };
    let opened = Reader::open(&meanwhile, client(&node)).await;
    let (mut reader, seen) = opened.unwrap();
    place(&orders, &node, &order("2", "coffee")).await;
    assert_eq!(seen, []);
    assert_eq!(next(&mut reader).await, [order("1", "tea")]);
    assert_eq!(next(&mut reader).await, [order("2", "coffee")]);
}

/// Told before it is stored, it would be shown and not exist.
#[tokio::test]
async fn an_order_that_could_not_be_stored_is_told_to_nobody() {
    let (node, orders) = (Node::start().await.unwrap(), Orders::new().unwrap());
    let (mut reader, _) = Reader::open(&orders, client(&node)).await.unwrap();
    let nothing = order("1", "");
    writer(&orders, &node).place(&nothing).await.unwrap_err();
    let real = order("2", "coffee");
    place(&orders, &node, &real).await;
    assert_eq!(next(&mut reader).await, [real]);
}

/// Told before it is stored, it would be lost with the node.
#[tokio::test]
async fn an_order_that_could_not_be_told_is_stored_and_told_later() {
    let (node, orders) = (Node::start().await.unwrap(), Orders::new().unwrap());
    let (mut reader, _) = Reader::open(&orders, client(&node)).await.unwrap();
    let mut writer = writer(&orders, &node);
    let address = node.crash().await;
    let stored = order("1", "tea");
    writer.place(&stored).await.unwrap_err();
    let _node = Node::start_at(&address).await.unwrap();
    writer.deliver_rest().await.unwrap();
    assert_eq!(next(&mut reader).await, [stored]);
    assert_eq!(orders.undelivered().await.unwrap(), []);
}

/// What the node forgot, the table did not.
#[tokio::test]
async fn an_order_whose_event_is_lost_is_shown_from_the_table() {
    let (node, orders) = (Node::start().await.unwrap(), Orders::new().unwrap());
    let (mut reader, _) = Reader::open(&orders, client(&node)).await.unwrap();
    let address = node.crash().await;
    let lost = order("1", "tea");
    orders.insert(&lost).await.unwrap();
    orders.mark_delivered("1").await.unwrap();
    let _node = Node::start_at(&address).await.unwrap();
    assert_eq!(next(&mut reader).await, [lost]);
}

/// The `request_id` is the row's, so a second attempt is known.
#[tokio::test]
async fn an_order_that_is_told_again_is_in_the_log_once() {
    let (node, orders) = (Node::start().await.unwrap(), Orders::new().unwrap());
    let stored = order("1", "tea");
    orders.insert(&stored).await.unwrap();
    let mut client = client(&node);
    for _ in 0..2 {
        // Dies before it has marked it.
        let table = &Forgetful(&orders);
        let client = client.clone();
        let mut writer = Writer { table, client };
        writer.deliver_rest().await.unwrap_err();
    }
    let history = client.get_history(GetHistoryRequest {
        channel: "orders".to_owned(),
        ..GetHistoryRequest::default()
    });
    assert_eq!(history.await.unwrap().into_inner().events.len(), 1);
}

/// A table whose writer dies before it has marked what it told.
struct Forgetful<'a>(&'a Orders);

impl Table for Forgetful<'_> {
    async fn insert(&self, order: &Order) -> Result<()> {
        self.0.insert(order).await
    }

    async fn mark_delivered(&self, _: &str) -> Result<()> {
        Err("died".into())
    }

    async fn undelivered(&self) -> Result<Vec<Order>> {
        self.0.undelivered().await
    }

    async fn load(&self) -> Result<Vec<Order>> {
        self.0.load().await
    }
}
