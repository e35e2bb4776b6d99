"""Stands before a node and breaks one promise, to see the table go red."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import grpc
from google.protobuf.message import Message

from fanfare.v1 import realtime_pb2 as pb

Frames = Iterator[Message]


def same(frame: Message, _: list) -> Frames:
    yield frame


def lose(frame: Message, seen: list) -> Frames:
    if frame.HasField("event"):
        seen.append(1)
    if not frame.HasField("event") or len(seen) % 7:
        yield frame


def double(frame: Message, _: list) -> Frames:
    yield frame
    if frame.HasField("event"):
        yield frame


def swap(frame: Message, held: list) -> Frames:
    """Each second event before the first."""
    if frame.HasField("event") and not held:
        held.append(frame)
        return
    yield frame
    yield from held
    held.clear()


def hide(kind: str) -> Callable[[Message, list], Frames]:
    def hiding(frame: Message, _: list) -> Frames:
        if not frame.HasField(kind):
            yield frame

    return hiding


def empty(frame: Message, _: list) -> Frames:
    if frame.HasField("event") and not frame.event.payload.text:
        frame.event.ClearField("payload")
    yield frame


def narrow(frame: Message, _: list) -> Frames:
    """Numbers as if they were of 32 bits."""
    for value in frame.event.payload.json.list_value.values:
        value.number_value = struct.unpack("f", struct.pack("f", value.number_value % 1e30))[0]
    yield frame


def unfilter(request: Message) -> None:
    for subscription in request.subscriptions:
        del subscription.events[:]


def echo(request: Message) -> None:
    for subscription in request.subscriptions:
        subscription.echo = True


def join(request: Message) -> None:
    for subscription in request.subscriptions:
        subscription.observe = False


def clear(field: str) -> Callable[[Message], None]:
    return lambda request: request.ClearField(field)


@dataclass(frozen=True)
class Fault:
    """A promise broken, and a scenario that must notice."""

    scenario: str
    frame: Callable[[Message, list], Frames] = same
    request: Callable[[Message], None] = lambda _: None
    calls: tuple[str, ...] = ("Subscribe",)
    withholds_details: bool = False
    reads_ahead: bool = False


FAULTS = {
    "an event is lost": Fault("order holds across", lose),
    "an event comes twice": Fault("order holds across", double),
    "two events change places": Fault("order holds across", swap),
    "a gap is not told": Fault("a gap tells what is missing", hide("gap")),
    "a restart is not told": Fault("a restart is a gap", hide("gap")),
    "a slow reader has an endless buffer": Fault("a slow reader is told its gap", reads_ahead=True),
    "a filter is ignored": Fault("what a filter leaves out", request=unfilter),
    "everything is echoed": Fault("one's own events come only with echo", request=echo),
    "an observer is a member": Fault("an observer listens", request=join),
    "presence is not told": Fault("who watches sees", hide("presence")),
    "a resume is forgotten": Fault("a client misses nothing across cuts", request=clear("resume")),
    "a token is ignored": Fault("a client comes back as the same member", request=clear("member_token")),
    "a request id is ignored": Fault("a request id works once", request=clear("request_id"), calls=("Send",)),
    "details are withheld": Fault("an error names", withholds_details=True),
    "closing is not told": Fault("a node that shuts down says so", hide("closing")),
    "empty is taken for absent": Fault("text of any language and empty text", empty),
    "numbers lose digits": Fault("numbers keep every digit", narrow),
    "a reply is lost": Fault("a session answers in order", hide("reply"), calls=("Session",)),
    "pings are punished": Fault("a client that pings every ten seconds"),
}
# The same way through, which breaks nothing but what no fault here is about.
NOTHING = Fault("")


class Breaker:
    """A gRPC server of its own, whose habit it is to punish pings."""

    def __init__(self, fault: Fault, target: int) -> None:
        self._fault = fault
        options = [("grpc.use_local_subchannel_pool", 1)]
        self._channel = grpc.aio.insecure_channel(f"127.0.0.1:{target}", options)
        self._server = grpc.aio.server(options=[("grpc.http2.max_ping_strikes", 1)])

    async def open(self) -> int:
        service = pb.DESCRIPTOR.services_by_name["RealtimeService"]
        handlers = {method.name: self._handler(method) for method in service.methods}
        generic = grpc.method_handlers_generic_handler(service.full_name, handlers)
        self._server.add_generic_rpc_handlers((generic,))
        port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        return port

    async def close(self) -> None:
        await self._channel.close()
        await self._server.stop(None)

    def _handler(self, method) -> grpc.RpcMethodHandler:
        path = f"/{method.containing_service.full_name}/{method.name}"
        request, response = (getattr(pb, kind.name) for kind in (method.input_type, method.output_type))
        faulty = method.name in self._fault.calls
        codec = {
            "request_deserializer": request.FromString,
            "response_serializer": response.SerializeToString,
        }
        back = {
            "request_serializer": request.SerializeToString,
            "response_deserializer": response.FromString,
        }

        async def unary(asked: Message, context: grpc.aio.ServicerContext) -> Message:
            if faulty:
                self._fault.request(asked)
            call = self._channel.unary_unary(path, **back)
            try:
                return await call(asked, timeout=context.time_remaining())
            except grpc.aio.AioRpcError as error:
                await self._end(context, error)

        async def stream(asked, context: grpc.aio.ServicerContext) -> AsyncIterator[Message]:
            if isinstance(asked, Message):
                if faulty:
                    self._fault.request(asked)
                call = self._channel.unary_stream(path, **back)
            else:
                call = self._channel.stream_stream(path, **back)
            frames = call(asked, timeout=context.time_remaining())
            try:
                async for frame in self._broken(frames, faulty):
                    yield frame
            except grpc.aio.AioRpcError as error:
                await self._end(context, error)
            finally:
                frames.cancel()

        if method.client_streaming:
            return grpc.stream_stream_rpc_method_handler(stream, **codec)
        if method.server_streaming:
            return grpc.unary_stream_rpc_method_handler(stream, **codec)
        return grpc.unary_unary_rpc_method_handler(unary, **codec)

    async def _broken(self, frames: AsyncIterator[Message], faulty: bool) -> AsyncIterator[Message]:
        kept: list = []
        async for frame in ahead(frames) if self._fault.reads_ahead else frames:
            for out in self._fault.frame(frame, kept) if faulty else [frame]:
                yield out

    async def _end(self, context: grpc.aio.ServicerContext, error: grpc.aio.AioRpcError) -> None:
        if not self._fault.withholds_details:
            context.set_trailing_metadata(tuple(error.trailing_metadata()))
        await context.abort(error.code(), error.details())


async def ahead(frames: AsyncIterator[Message]) -> AsyncIterator[Message]:
    """All that comes, however slowly it is taken."""
    read: asyncio.Queue = asyncio.Queue()

    async def reading() -> None:
        async for frame in frames:
            read.put_nowait(frame)

    task = asyncio.create_task(reading())
    try:
        while True:
            yield await read.get()
    finally:
        task.cancel()
