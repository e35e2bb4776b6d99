//! Bodies that are too large, or do not come.

use std::io;
use std::time::Duration;

use fanfare::config::Config;
use fanfare::hub::{Clock, Hub};
use fanfare::{rpc, server, transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::client::{Http, JSON};
use crate::bystander::Bystander;
use crate::support::{PATIENCE, node};
use crate::wire_support::without_panics;

#[test]
fn a_body_over_the_limit_is_refused_before_it_is_read() {
    without_panics("announced", async {
        let mut bystander = Bystander::of(node().await).await;
        let mut http = Http::new(&bystander.node).await;
        let headers = format!("{JSON}content-length: 1073741824\r\n");
        http.say("POST /v1:send", &headers).await;
        // None of it is sent.
        let says = http.reply().await.refused(413, "INVALID_REQUEST", "");
        assert!(says.contains("5242880 bytes"), "{says}");
        let end = tokio::time::timeout(PATIENCE, http.stream.read_u8()).await;
        assert!(end.expect("an end").is_err());
        bystander.is_unharmed().await;
    });
}

#[test]
fn a_body_that_does_not_say_its_length_is_refused_when_it_is_too_large() {
    without_panics("chunked", async {
        let mut bystander = Bystander::of(node().await).await;
        let mut http = Http::new(&bystander.node).await;
        let headers = format!("{JSON}transfer-encoding: chunked\r\n");
        http.say("POST /v1:send", &headers).await;
        let chunk = [&b"10000\r\n"[..], &vec![b' '; 65_536], b"\r\n"].concat();
        let (reading, mut writing) = http.stream.into_inner().into_split();
        let endless = tokio::spawn(async move { while writing.write_all(&chunk).await.is_ok() {} });
        let mut answer = Vec::new();
        let mut reading = tokio::io::BufReader::new(reading);
        // It may also be reset, since not all was read.
        let read = reading.read_to_end(&mut answer);
        drop(tokio::time::timeout(PATIENCE, read).await.expect("an end"));
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        drop(reading);
        tokio::time::timeout(PATIENCE, endless)
            .await
            .expect("an end")
            .unwrap();
        bystander.is_unharmed().await;
    });
}

/// A listener of one pipe.
struct Pipes(mpsc::Receiver<DuplexStream>);

impl transport::Listener for Pipes {
    type Io = DuplexStream;

    async fn accept(&mut self) -> io::Result<(DuplexStream, String)> {
        match self.0.recv().await {
            Some(pipe) => Ok((pipe, "pipe".to_owned())),
            None => std::future::pending().await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_trickles_holds_its_connection_for_so_long() {
    let (pipes, accepted) = mpsc::channel(1);
    let (config, clock) = (Config::default(), Clock::system());
    let hub = Hub::new(config.hub.clone(), clock, rpc::Frames { clock });
    let serving = server::serve(Pipes(accepted), hub, config.into(), std::future::pending());
    let serving = tokio::spawn(serving);
    let (client, far) = duplex(64 << 10);
    pipes.send(far).await.unwrap();
    let (mut reading, mut writing) = tokio::io::split(client);
    let start = Instant::now();
    let head = format!("POST /v1:send HTTP/1.1\r\n{JSON}content-length: 1000000\r\n\r\n");
    writing.write_all(head.as_bytes()).await.unwrap();
    let trickle = tokio::spawn(async move {
        while writing.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    let mut answer = String::new();
    let answered = reading.read_to_string(&mut answer);
    timeout(2 * PATIENCE, answered).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("within 30 s"), "{answer}");
    assert!(
        start.elapsed() <= Duration::from_secs(32),
        "{:?}",
        start.elapsed()
    );
    trickle.await.unwrap();
    serving.abort();
}
