//! The table of orders, in a database.

use rusqlite::{Connection, Row};
use serde::{Deserialize, Serialize};

use super::common::Result;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) item: String,
}

/// Where orders are stored: a trait, so that a test can step in between.
pub(crate) trait Table {
    /// Returns when the order is there for everyone who loads.
    async fn insert(&self, order: &Order) -> Result<()>;
    async fn mark_delivered(&self, id: &str) -> Result<()>;
    async fn undelivered(&self) -> Result<Vec<Order>>;
    async fn load(&self) -> Result<Vec<Order>>;
}

/// The table in `SQLite`.
pub(crate) struct Orders(Connection);

impl Orders {
    pub(crate) fn new() -> Result<Self> {
        let database = Connection::open_in_memory()?;
        database.execute_batch(
            "CREATE TABLE orders (
                id TEXT PRIMARY KEY,
                item TEXT NOT NULL CHECK (item <> ''),
                delivered INTEGER NOT NULL DEFAULT 0
            )",
        )?;
        Ok(Self(database))
    }

    fn select(&self, delivered: &str) -> Result<Vec<Order>> {
        let sql = format!("SELECT id, item FROM orders WHERE delivered IN ({delivered})");
        let mut statement = self.0.prepare(&sql)?;
        let order = |row: &Row<'_>| {
            let (id, item) = (row.get(0)?, row.get(1)?);
            Ok(Order { id, item })
        };
        let orders = statement.query_map([], order)?;
        Ok(orders.collect::<rusqlite::Result<_>>()?)
    }
}

impl Table for Orders {
    async fn insert(&self, order: &Order) -> Result<()> {
        let sql = "INSERT INTO orders (id, item) VALUES (?1, ?2)";
        self.0.execute(sql, [&order.id, &order.item])?;
        Ok(())
    }

    async fn mark_delivered(&self, id: &str) -> Result<()> {
        let sql = "UPDATE orders SET delivered = 1 WHERE id = ?1";
        self.0.execute(sql, [id])?;
        Ok(())
    }

    async fn undelivered(&self) -> Result<Vec<Order>> {
        self.select("0")
    }

    async fn load(&self) -> Result<Vec<Order>> {
        self.select("0, 1")
    }
}

pub(crate) fn order(id: &str, item: &str) -> Order {
    let (id, item) = (id.to_owned(), item.to_owned());
    Order { id, item }
}
