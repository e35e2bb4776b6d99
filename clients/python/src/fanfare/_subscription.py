"""A subscription that comes back by itself, from where it was."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

import grpc

from fanfare import _errors
from fanfare._backoff import Backoff
from fanfare.v1.realtime_pb2 import Position, SubscribeRequest, SubscribeResponse

if TYPE_CHECKING:
    from fanfare._dial import Connection, Dialer
    from fanfare._errors import FanfareError

# `ready` comes at once; a node that says nothing for so long is not there.
READY_TIMEOUT = 10.0

_IN_VAIN = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.UNIMPLEMENTED,
}


class Subscription:
    """The frames of a subscription, across all cuts: nothing missed, nothing twice.

    Iterate over it. After a cut it connects again and resumes, and you see
    another `ready`. What the node could not keep for you comes as a `gap`: load
    anew what it stood for. Raises `FanfareError` once coming back is of no use:
    the request is refused, or the member came back elsewhere (`REPLACED`).

    Frames are taken as you ask for them. Who is slow is told by a gap.
    """

    def __init__(self, dialer: Dialer, request: SubscribeRequest) -> None:
        self._dialer = dialer
        self._request = SubscribeRequest()
        self._request.CopyFrom(request)
        self._backoff = Backoff()
        self._connection: Connection | None = None
        self._call: grpc.aio.UnaryStreamCall[SubscribeRequest, SubscribeResponse] | None = None
        self._reading: asyncio.Task[object] | None = None
        self._closed = False
        self._patience = READY_TIMEOUT
        self._retry_after = 0.0

    @property
    def position(self) -> Position | None:
        """All up to here was handed out. None before the first `ready`."""
        return self._request.resume if self._request.HasField("resume") else None

    @property
    def member_token(self) -> str:
        """With `position`, enough to go on in another process. Keep it secret."""
        return self._request.member_token

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SubscribeResponse:
        """Waits for the next frame. If that is cancelled, the next call gets it."""
        while True:
            try:
                frame = await self._next()
            except _errors.FanfareError as error:
                await self._cut(error)
                continue
            # Later nodes have frames that this client does not know.
            if frame.WhichOneof("frame") is not None:
                self._keep(frame)
                return frame

    async def close(self) -> None:
        """Leaves: for the others the member is gone at once. Iterations end."""
        self._closed = True
        await self._hang_up()

    async def _hang_up(self) -> None:
        self._reading = None
        call, self._call = self._call, None
        connection, self._connection = self._connection, None
        if call is not None:
            call.cancel()
        if connection is not None:
            await connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _next(self) -> SubscribeResponse:
        if self._closed:
            raise StopAsyncIteration
        if self._connection is None:
            # A connection of its own: what is slow here delays nothing else.
            self._connection = self._dialer.dial()
        if self._call is None:
            self._call = self._connection.stub.Subscribe(self._request)
        if self._reading is None:
            # A task, since gRPC would end the stream if its read were cancelled.
            self._reading = asyncio.ensure_future(self._call.read())
        reading = self._reading
        await asyncio.wait([reading], timeout=self._patience)
        if self._closed:
            raise StopAsyncIteration
        if not reading.done():
            # The connection may be dead, and a new stream on it would be too.
            await self._hang_up()
            silence = f"no frame within {self._patience:.1f} s"
            raise _errors.FanfareError(grpc.StatusCode.UNAVAILABLE, silence)
        self._reading = None
        try:
            frame = reading.result()
        except grpc.aio.AioRpcError as error:
            raise _errors.from_call(error) from None
        if isinstance(frame, SubscribeResponse):
            return frame
        raise _errors.FanfareError(grpc.StatusCode.UNAVAILABLE, "the stream ended without a word")

    async def _cut(self, error: FanfareError) -> None:
        self._call = None
        self._patience = READY_TIMEOUT
        if error.code in _IN_VAIN or error.reason == "REPLACED":
            await self.close()
            raise error
        asked = max(self._retry_after, error.retry_delay)
        self._retry_after = 0.0
        await asyncio.sleep(asked + self._backoff.next())

    def _keep(self, frame: SubscribeResponse) -> None:
        """The rule of one number: see docs/protocol.md."""
        match frame.WhichOneof("frame"):
            case "ready":
                self._backoff.succeeded()
                self._patience = 2 * frame.ready.heartbeat_interval.ToTimedelta().total_seconds()
                self._request.member_token = frame.ready.member_token
                self._request.resume.CopyFrom(frame.ready.position)
            case "event":
                self._request.resume.sequence = frame.event.sequence
            case "presence":
                self._request.resume.sequence = frame.presence.sequence
            case "heartbeat":
                self._request.resume.CopyFrom(frame.heartbeat.position)
            case "closing":
                retry_after = frame.closing.retry_after.ToTimedelta()
                self._retry_after = retry_after.total_seconds()
