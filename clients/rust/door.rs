//! The runner's door, through which nodes are had and handled.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Result;

/// A node, or what stands for one.
pub(crate) struct Node {
    door: String,
    id: String,
    pub(crate) address: String,
}

impl Node {
    pub(crate) async fn start(door: &str, node: &Value) -> Result<Self> {
        let door = door.trim_start_matches("http://").to_owned();
        let told = ask(&door, "POST", "/nodes", node).await?;
        let text = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
        let (id, address) = (text("id"), text("address"));
        Ok(Self { door, id, address })
    }

    /// Does an operation, with the whole step as its body.
    pub(crate) async fn operate(&self, step: &Value) -> Result<Value> {
        let operation = step["control"].as_str().unwrap_or_default();
        let path = format!("/nodes/{}/{operation}", self.id);
        ask(&self.door, "POST", &path, step).await
    }

    pub(crate) async fn delete(&self) -> Result<()> {
        let path = format!("/nodes/{}", self.id);
        ask(&self.door, "DELETE", &path, &Value::Null).await?;
        Ok(())
    }
}

/// One request; a door on loopback needs no more of HTTP than this.
async fn ask(door: &str, method: &str, path: &str, body: &Value) -> Result<Value> {
    let wrong = |error: std::io::Error| format!("the door: {error}");
    let body = body.to_string();
    let request = format!(
        "{method} {path} HTTP/1.0\r\nhost: {door}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(door).await.map_err(wrong)?;
    stream.write_all(request.as_bytes()).await.map_err(wrong)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.map_err(wrong)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    if head.split(' ').nth(1) != Some("200") {
        return Err(format!("{method} {path}: {body}"));
    }
    Ok(serde_json::from_str(body).unwrap_or_default())
}
