//! A stream: a request, the answer to it, and its body as the peer takes it.
//!
//! Ends when the peer resets the stream. HTTP/2 is given little more than the
//! peer has room for, so what it holds waits for the socket, and a body that
//! the peer takes nothing of is not asked for more.

use std::convert::Infallible;
use std::fmt::Display;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, SendStream};
use http::{HeaderMap, Request, Response};
use http_body::Body;
use tower_service::Service;

use super::incoming::Incoming;
use super::turns::Told;

/// Bytes of a body that go out before it is asked again whether the peer has
/// room: asking costs more than sending a small event. What goes out small
/// without room is split once more when there is some.
pub(super) const TRUST: usize = 1 << 10;

/// Has `service` answer `request`.
pub(super) async fn call<S, B>(mut service: S, request: Request<Incoming>) -> Response<B>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
{
    let answered = match poll_fn(|cx| service.poll_ready(cx)).await {
        Ok(()) => service.call(request).await,
        Err(never) => match never {},
    };
    answered.unwrap_or_else(|never| match never {})
}

/// A request that is being answered, from its call to the last of its body.
pub(super) struct Answer<F, B> {
    stage: Stage<F, B>,
    told: Told,
}

enum Stage<F, B> {
    /// The service has not answered yet.
    Call(Pin<Box<F>>, SendResponse<Bytes>),
    Body(Out<B>),
}

/// A body on its way.
struct Out<B> {
    stream: SendStream<Bytes>,
    body: B,
    /// What the peer had no room for yet.
    rest: Bytes,
    /// Bytes sent since it was asked for room.
    trusted: usize,
}

impl<F, B> Answer<F, B>
where
    F: Future<Output = Response<B>>,
    B: Body<Data = Bytes> + Unpin,
    B::Error: Display,
{
    /// What `call` comes to goes out through `respond`.
    pub(super) fn new(call: F, respond: SendResponse<Bytes>, told: Told) -> Self {
        Self {
            stage: Stage::Call(Box::pin(call), respond),
            told,
        }
    }

    /// Whether its client has cancelled it.
    pub(super) fn is_cancelled(&mut self) -> bool {
        let cx = &mut Context::from_waker(Waker::noop());
        let reset = match &mut self.stage {
            Stage::Call(_, respond) => respond.poll_reset(cx),
            Stage::Body(out) => out.stream.poll_reset(cx),
        };
        matches!(reset, Poll::Ready(Ok(Reason::CANCEL)))
    }

    fn poll_exchange(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), h2::Error>> {
        if let Stage::Call(call, respond) = &mut self.stage {
            let Poll::Ready(response) = call.as_mut().poll(cx) else {
                return reset(self.told.ask(|cx| respond.poll_reset(cx)));
            };
            let (head, body) = response.into_parts();
            let ends = body.is_end_stream();
            let stream = respond.send_response(Response::from_parts(head, ()), ends)?;
            if ends {
                return Poll::Ready(Ok(()));
            }
            self.stage = Stage::Body(Out {
                stream,
                body,
                rest: Bytes::new(),
                trusted: 0,
            });
        }
        match &mut self.stage {
            Stage::Body(out) => out.poll(&self.told, cx),
            Stage::Call(..) => Poll::Pending,
        }
    }
}

impl<F, B> Future for Answer<F, B>
where
    F: Future<Output = Response<B>>,
    B: Body<Data = Bytes> + Unpin,
    B::Error: Display,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_exchange(cx).map(|ended| {
            if let Err(error) = ended {
                tracing::debug!(%error, "stream ended");
            }
        })
    }
}

impl<B> Out<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Display,
{
    /// Sends all of the body, and the end.
    fn poll(&mut self, told: &Told, cx: &mut Context<'_>) -> Poll<Result<(), h2::Error>> {
        loop {
            ready!(self.poll_send(told))?;
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(frame) => {
                        let trailers: HeaderMap = frame.into_trailers().unwrap_or_default();
                        return Poll::Ready(self.stream.send_trailers(trailers));
                    }
                },
                Poll::Ready(None) => return Poll::Ready(self.stream.send_data(Bytes::new(), true)),
                Poll::Ready(Some(Err(error))) => {
                    tracing::warn!(%error, "a body failed");
                    self.stream.send_reset(Reason::INTERNAL_ERROR);
                    return Poll::Ready(Err(Reason::INTERNAL_ERROR.into()));
                }
                Poll::Pending => return reset(told.ask(|cx| self.stream.poll_reset(cx))),
            }
        }
    }

    /// Sends what is left, in pieces as the peer has room for them.
    fn poll_send(&mut self, told: &Told) -> Poll<Result<(), h2::Error>> {
        while !self.rest.is_empty() {
            self.trusted += self.rest.len();
            let mut room = self.rest.len();
            if self.trusted > TRUST {
                self.stream.reserve_capacity(self.rest.len());
                room = ready!(self.poll_room(told))?;
                // Who has little room is asked at every piece.
                let is_ample = room >= self.rest.len();
                self.trusted = if is_ample { 0 } else { TRUST };
            }
            let piece = self.rest.split_to(room.min(self.rest.len()));
            self.stream.send_data(piece, false)?;
        }
        Poll::Ready(Ok(()))
    }

    /// How many bytes the peer has room for, when there is any.
    fn poll_room(&mut self, told: &Told) -> Poll<Result<usize, h2::Error>> {
        loop {
            match self.stream.capacity() {
                0 => {}
                room => return Poll::Ready(Ok(room)),
            }
            let more = ready!(told.ask(|cx| self.stream.poll_capacity(cx)));
            if more.transpose()?.is_none() {
                return reset(told.ask(|cx| self.stream.poll_reset(cx)));
            }
        }
    }
}

/// The error that a reset is.
fn reset<T>(polled: Poll<Result<Reason, h2::Error>>) -> Poll<Result<T, h2::Error>> {
    polled.map(|reason| Err(reason?.into()))
}
