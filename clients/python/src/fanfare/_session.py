"""A session: requests go up, their replies and events come down, on one stream."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from typing import TYPE_CHECKING, Self

import grpc

from fanfare import _errors
from fanfare.v1.realtime_pb2 import (
    BroadcastRequest,
    BroadcastResponse,
    Position,
    Ready,
    Reply,
    SendRequest,
    SendResponse,
    SessionRequest,
    SessionResponse,
    SubscribeRequest,
    Subscription,
    Unsubscribe,
    UpdateProfile,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.struct_pb2 import Struct

    from fanfare._dial import Dialer

# Frames that wait to be taken. Beyond it nothing more is read, replies
# included, and HTTP/2 tells the node.
UNREAD_FRAMES = 256


class Session:
    """One stream for everything. Use it as a context manager, and iterate over it.

    Each request waits for its reply; run several at a time to pipeline them,
    they are applied in the order in which they were called. Events must be taken
    meanwhile, by another task: replies wait behind the frames that are unread.

    It does not come back by itself. When it ends, open another one, subscribe
    with `position` and `member_token`, and repeat what was not answered with
    the same `request_id`.
    """

    def __init__(self, dialer: Dialer) -> None:
        self._connection = dialer.dial()
        self._call = self._connection.stub.Session()
        self._ids = itertools.count(1)
        self._writing = asyncio.Lock()
        self._asked: dict[int, asyncio.Future[Reply]] = {}
        self._frames: asyncio.Queue[SessionResponse | None] = asyncio.Queue(UNREAD_FRAMES)
        self._ended: _errors.FanfareError | None = None
        self._reader = asyncio.create_task(self._read())
        self.position = Position()
        self.member_token = ""

    async def subscribe(self, request: SubscribeRequest) -> Ready:
        """Subscribes first: start, profile, token and all."""
        return (await self.ask(SessionRequest(subscribe=request))).ready

    async def add(self, *subscriptions: Subscription) -> Ready:
        """Subscribes to more. Its position is not the session's."""
        return await self.subscribe(SubscribeRequest(subscriptions=subscriptions))

    async def unsubscribe(self, channels: Iterable[str]) -> None:
        await self.ask(SessionRequest(unsubscribe=Unsubscribe(channels=channels)))

    async def update(self, data: Struct, *, merge: bool = False) -> None:
        await self.ask(SessionRequest(update=UpdateProfile(data=data, merge=merge)))

    async def send(self, request: SendRequest) -> SendResponse:
        return (await self.ask(SessionRequest(send=request))).send

    async def broadcast(self, request: BroadcastRequest) -> BroadcastResponse:
        return (await self.ask(SessionRequest(broadcast=request))).broadcast

    async def ask(self, request: SessionRequest) -> Reply:
        """Any request; its id is given here, and a `request_id` if it needs one."""
        request.id = next(self._ids)
        match request.WhichOneof("request"):
            case "send":
                request.send.request_id = request.send.request_id or str(uuid.uuid4())
            case "broadcast":
                request.broadcast.request_id = request.broadcast.request_id or str(uuid.uuid4())
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._asked[request.id] = answer
        try:
            async with self._writing:
                await self._call.write(request)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            # The stream has ended; why, the reader knows.
            await asyncio.wait([self._reader])
        if self._reader.done() and not answer.done():
            raise self._ended or _closed()
        reply = await answer
        if reply.HasField("error"):
            error = reply.error
            raise _errors.from_status(error.code, error.message, error.details)
        return reply

    async def finish(self) -> None:
        """Says that no more requests come. Events go on, if it subscribed."""
        await self._call.done_writing()

    async def close(self) -> None:
        self._reader.cancel()
        self._call.cancel()
        await asyncio.wait([self._reader])
        await self._connection.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionResponse:
        frame = await self._frames.get()
        if frame is None:
            self._frames.put_nowait(None)
            raise self._ended or StopAsyncIteration
        match frame.WhichOneof("frame"):
            case "event":
                self.position.sequence = frame.event.sequence
            case "presence":
                self.position.sequence = frame.presence.sequence
            case "heartbeat":
                self.position.CopyFrom(frame.heartbeat.position)
        return frame

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _read(self) -> None:
        try:
            while isinstance(frame := await self._call.read(), SessionResponse):
                await self._take(frame)
        except grpc.aio.AioRpcError as error:
            self._ended = _errors.from_call(error)
        finally:
            for answer in self._asked.values():
                if not answer.done():
                    answer.set_exception(self._ended or _closed())
        await self._frames.put(None)

    async def _take(self, frame: SessionResponse) -> None:
        match frame.WhichOneof("frame"):
            case "reply":
                self._answer(frame.reply)
            # Later nodes have frames that this client does not know.
            case None:
                pass
            case _:
                await self._frames.put(frame)

    def _answer(self, reply: Reply) -> None:
        # A later ready is not the session's position: older events of other
        # channels may be on their way.
        if reply.HasField("ready") and not self.member_token:
            self.position.CopyFrom(reply.ready.position)
            self.member_token = reply.ready.member_token
        answer = self._asked.pop(reply.id, None)
        if answer is not None and not answer.done():
            answer.set_result(reply)


def _closed() -> _errors.FanfareError:
    return _errors.FanfareError(grpc.StatusCode.CANCELLED, "the session is closed")
