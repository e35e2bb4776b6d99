use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::super::peer::TURN;
use super::super::testing::soon;
use super::*;

/// A peer, the far end of its connection, and what is heard of it.
fn connection() -> (Arc<Peer>, DuplexStream, Hearing<DuplexStream>) {
    let (far, io) = duplex(10 * TURN);
    let peer = Arc::new(Peer::new());
    let hearing = Hearing::new((Bytes::new(), io), &peer);
    (peer, far, hearing)
}

#[tokio::test]
async fn what_has_been_read_already_is_read_first() {
    let (mut far, io) = duplex(64);
    let mut hearing = Hearing::new((Bytes::from_static(b"early"), io), &Arc::new(Peer::new()));
    far.write_all(b" and late").await.unwrap();
    let mut read = Vec::new();
    while read.len() < 14 {
        let mut buf = [0; 3];
        let len = soon(hearing.read(&mut buf)).await;
        let len = len.unwrap();
        assert!(len > 0, "an end after {read:?}");
        read.extend_from_slice(&buf[..len]);
    }
    assert_eq!(read, b"early and late");
}

#[tokio::test(start_paused = true)]
async fn a_peer_has_hung_up_once_that_is_read() {
    let (peer, mut far, mut hearing) = connection();
    far.write_all(b"x").await.unwrap();
    let mut buf = [0; 8];
    let mut read = async || hearing.read(&mut buf).await;
    assert_eq!(read().await.unwrap(), 1);
    assert!(!peer.has_hung_up());
    drop(far);
    assert!(!peer.has_hung_up());
    assert_eq!(read().await.unwrap(), 0);
    assert!(peer.has_hung_up());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_cannot_be_read_from_has_hung_up() {
    struct Reset;
    impl AsyncRead for Reset {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
        }
    }
    let peer = Arc::new(Peer::new());
    let mut hearing = Hearing::new((Bytes::new(), Reset), &peer);
    let error = hearing.read(&mut [0; 8]).await;
    assert_eq!(error.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    assert!(peer.has_hung_up());
}

#[tokio::test(start_paused = true)]
async fn a_peer_is_silent_since_it_was_last_heard() {
    const SILENCE: Duration = Duration::from_secs(49);
    let (peer, mut far, mut hearing) = connection();
    tokio::time::advance(SILENCE).await;
    assert_eq!(peer.silence(), SILENCE);
    far.write_all(b"x").await.unwrap();
    assert_eq!(hearing.read(&mut [0; 8]).await.unwrap(), 1);
    assert_eq!(peer.silence(), Duration::ZERO);
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn much_at_once_is_heard_in_turns() {
    let (peer, mut far, mut hearing) = connection();
    far.write_all(&vec![7; 3 * TURN]).await.unwrap();
    for _ in 0..3 {
        peer.begin_turn();
        let flag = Arc::<Flag>::default();
        let waker = Waker::from(Arc::clone(&flag));
        let mut heard = 0;
        let mut bytes = [0; TURN / 2];
        loop {
            let mut buf = ReadBuf::new(&mut bytes);
            let read = Pin::new(&mut hearing).poll_read(&mut Context::from_waker(&waker), &mut buf);
            if read.is_pending() {
                break;
            }
            heard += buf.filled().len();
        }
        assert_eq!(heard, TURN);
        assert!(flag.0.load(Ordering::Relaxed), "it goes on by itself");
    }
}

/// Notes how much room each read had that brought something.
struct Rooms(DuplexStream, Arc<Mutex<Vec<usize>>>);

impl AsyncRead for Rooms {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let room = buf.remaining();
        let read = ready!(Pin::new(&mut self.0).poll_read(cx, buf));
        if buf.remaining() < room {
            self.1.lock().unwrap().push(room);
        }
        Poll::Ready(read)
    }
}

/// The next that is heard, as HTTP/2 reads it, however many turns have passed.
async fn hear(peer: &Peer, hearing: &mut Hearing<Rooms>) -> Vec<u8> {
    peer.begin_turn();
    let mut buf = [0; TURN];
    let len = soon(hearing.read(&mut buf)).await.unwrap();
    buf[..len].to_vec()
}

#[tokio::test]
async fn much_is_read_ahead_and_heard_whole_before_the_end() {
    const ALL: usize = 2 * AHEAD;
    let (mut far, near) = duplex(ALL);
    let (peer, rooms) = (Arc::new(Peer::new()), Arc::default());
    let mut hearing = Hearing::new((Bytes::new(), Rooms(near, Arc::clone(&rooms))), &peer);
    let said: Vec<u8> = (0..ALL).map(|at| (at / 251).to_le_bytes()[0]).collect();
    far.write_all(&said).await.unwrap();
    drop(far);
    let mut heard = Vec::new();
    while heard.len() < ALL {
        assert!(!peer.has_hung_up(), "there is more: {}", heard.len());
        heard.extend(hear(&peer, &mut hearing).await);
    }
    assert!(heard == said, "all of it, in order");
    assert_eq!(*rooms.lock().unwrap(), [TURN, AHEAD, AHEAD]);
    assert!(hear(&peer, &mut hearing).await.is_empty());
    assert!(peer.has_hung_up());
}

#[tokio::test]
async fn little_is_read_straight_before_and_after_much() {
    let (mut far, near) = duplex(2 * AHEAD);
    let (peer, rooms) = (Arc::new(Peer::new()), Arc::default());
    let mut hearing = Hearing::new((Bytes::new(), Rooms(near, Arc::clone(&rooms))), &peer);
    for len in [9, 3 * TURN, 9, 9] {
        far.write_all(&vec![7; len]).await.unwrap();
        let mut heard = 0;
        while heard < len {
            heard += hear(&peer, &mut hearing).await.len();
        }
    }
    // What comes after much is read as if it were; it was not.
    let straight = TURN;
    assert_eq!(
        *rooms.lock().unwrap(),
        [straight, straight, AHEAD, AHEAD, straight]
    );
}

#[tokio::test]
async fn nothing_is_held_of_what_was_heard() {
    let (_far, near) = duplex(64);
    let (peer, early) = (Arc::new(Peer::new()), Bytes::from(vec![7; 9]));
    let mut hearing = Hearing::new((early.clone(), Rooms(near, Arc::default())), &peer);
    assert_eq!(hear(&peer, &mut hearing).await, early);
    assert!(early.is_unique());
}
