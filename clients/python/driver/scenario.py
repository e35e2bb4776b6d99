"""One scenario: its node, its streams, and the steps."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf import json_format, wrappers_pb2
from matching import Json, MismatchError, Names, filled, match

import fanfare
from fanfare import _errors
from fanfare._dial import Dialer
from fanfare.v1 import realtime_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from door import Door
    from google.protobuf.message import Message

PATIENCE = 30
MATCHED = {"expect", "error", "frames"}
UNREMARKABLE = {"heartbeat"}
WRAPPERS = wrappers_pb2.DESCRIPTOR  # Known to the JSON printer by being imported.
FROM_CLIENT = {"ready", "heartbeat", "closing"}


def printed(message: Message) -> Json:
    return json_format.MessageToDict(message)


def told(error: fanfare.FanfareError) -> Json:
    """An error in the form that scenarios expect."""
    details = {type(detail).DESCRIPTOR.name: printed(detail) for detail in error.details}
    return {"code": error.code.name, "message": error.message, "details": details}


class Stream:
    """Frames of a stub's stream or of the client, one at a time."""

    def __init__(self, take: Callable[[], Awaitable[Any]], skipped: set[str]) -> None:
        self._take = take
        self._skipped = skipped
        self.cancelled = False
        self.cancel: Callable[[], Any] = lambda: None
        self.write: Callable[[Any], Any] = lambda _: None
        self.finish: Callable[[], Any] = lambda: None

    async def frame(self, wanted: set[str]) -> Json:
        """The next frame, passing over what is unremarkable and not wanted."""
        while True:
            frame = printed(await self._take())
            if not frame and self._skipped is FROM_CLIENT:
                raise MismatchError("the client handed out a frame of an unknown kind")
            if frame and (not frame.keys() & self._skipped or frame.keys() & wanted):
                return frame


class Scenario:
    def __init__(self, scenario: Json, door: Door) -> None:
        self._scenario = scenario
        self._door = door
        self._names: Names = {}
        self._streams: dict[str, Stream] = {}
        self._sessions: dict[str, fanfare.Session] = {}
        self._stubs: dict[str, Any] = {}
        self._stack = AsyncExitStack()
        self._verbs = {verb: getattr(self, f"_{verb}") for verb in VERBS}

    async def run(self) -> None:
        self._node = await self._door.new(self._scenario["node"])
        try:
            async with self._stack:
                self._client = fanfare.Client(self._node.address)
                self._stack.push_async_callback(self._client.close)
                await self._steps(self._scenario["steps"], "step ")
        finally:
            await self._node.delete()

    async def _steps(self, steps: list[Json], place: str) -> None:
        for number, step in enumerate(steps, 1):
            verb = next((verb for verb in VERBS if verb in step), None)
            if verb is None or step.keys() - VERBS[verb] - {verb}:
                raise MismatchError(f"{place}{number}: cannot understand {step}")
            if verb == "repeat":
                await self._repeat(step, f"{place}{number}, ")
                continue
            try:
                wait = PATIENCE + step.get("wait_ms", 0) / 1000
                async with asyncio.timeout(wait):
                    await self._verbs[verb](self._prepared(step))
            except Exception as error:
                why = f"waited {PATIENCE} s" if isinstance(error, TimeoutError) else str(error)
                if not isinstance(error, (MismatchError, fanfare.FanfareError, TimeoutError)):
                    why = f"{type(error).__name__}: {error}"
                raise MismatchError(f"{place}{number}, {verb} {step[verb]}: {why}") from error

    def _prepared(self, step: Json) -> Json:
        """With all filled in but what is matched, which is filled as it is."""
        return {k: v if k in MATCHED else filled(v, self._names) for k, v in step.items()}

    async def _repeat(self, step: Json, place: str) -> None:
        for i in range(1, step["repeat"] + 1):
            self._names["i"] = str(i)
            await self._steps(step["steps"], f"{place}round {i}, step ")

    def _stub(self, step: Json) -> Any:
        name = step.get("connection", "main")
        if name not in self._stubs:
            options = self._scenario.get("connections", {}).get(name, {})
            keepalive = options.get("keepalive_ms", 0) / 1000
            dialer = Dialer(self._node.address, None, keepalive or 20.0)
            connection = dialer.dial(idle_pings=bool(keepalive))
            self._stack.push_async_callback(connection.close)
            self._stubs[name] = connection.stub
        return self._stubs[name]

    async def _call(self, step: Json) -> None:
        try:
            match (step["call"], step.get("via", "stub")):
                case ("Send", "client"):
                    answer = await self._client_send(parsed(step, pb.SendRequest))
                case ("GetMembers", "client"):
                    answer = await self._client_members(parsed(step, pb.GetMembersRequest))
                case (method, "stub"):
                    request = parsed(step, getattr(pb, f"{method}Request"))
                    call = getattr(self._stub(step), method)
                    answer = printed(await call(request, timeout=seconds(step)))
                case (method, via):
                    raise MismatchError(f"{method} via {via} is unknown")
        except fanfare.FanfareError as error:
            self._failed(step, error)
        except grpc.aio.AioRpcError as error:
            self._failed(step, _errors.from_call(error))
        else:
            self._answered(step, answer)

    def _answered(self, step: Json, answer: Json) -> None:
        if "error" in step:
            raise MismatchError(f"expected {step['error']}, got {answer}")
        match(step.get("expect", {}), answer, self._names)

    def _failed(self, step: Json, error: fanfare.FanfareError) -> None:
        if "error" not in step:
            raise error
        match(step["error"], told(error), self._names)

    async def _client_send(self, request: pb.SendRequest) -> Json:
        return printed(
            await self._client.send(
                request.channel,
                request.event,
                request.payload if request.HasField("payload") else None,
                request_id=request.request_id,
                sender_id=request.sender_id,
                headers=request.headers,
            )
        )

    async def _client_members(self, request: pb.GetMembersRequest) -> Json:
        members = self._client.members(request.channel, page_size=request.page_size)
        return {"members": [printed(member) async for member in members]}

    async def _open(self, step: Json) -> None:
        stub = self._stub(step)
        match step["call"]:
            case "Subscribe":
                call = stub.Subscribe(parsed(step, pb.SubscribeRequest), timeout=seconds(step))
            case "Session":
                call = stub.Session(timeout=seconds(step))
            case method:
                raise MismatchError(f"no stream of {method} is known")

        async def take() -> Message:
            try:
                frame = await call.read()
            except grpc.aio.AioRpcError as error:
                raise _errors.from_call(error) from None
            except asyncio.CancelledError:
                # Or else a step ran out of patience.
                if not stream.cancelled:
                    raise
                raise fanfare.FanfareError(grpc.StatusCode.CANCELLED, "by ourselves") from None
            if frame is grpc.aio.EOF:
                raise fanfare.FanfareError(await call.code(), await call.details())
            return frame  # type: ignore[no-any-return]

        stream = self._streams[step["open"]] = Stream(take, UNREMARKABLE)

        def cancel() -> None:
            stream.cancelled = True
            call.cancel()

        stream.cancel = cancel
        if step["call"] == "Session":
            stream.write = call.write
            stream.finish = call.done_writing
        self._stack.callback(call.cancel)

    async def _follow(self, step: Json) -> None:
        frames = self._client.follow(parsed(step, pb.SubscribeRequest))
        self._stack.push_async_callback(frames.close)
        stream = self._streams[step["follow"]] = Stream(frames.__anext__, FROM_CLIENT)
        stream.cancel = frames.close

    async def _session(self, step: Json) -> None:
        session = self._client.session()
        self._stack.push_async_callback(session.close)
        self._sessions[step["session"]] = session
        stream = self._streams[step["session"]] = Stream(session.__anext__, FROM_CLIENT)
        stream.cancel = session.close

    async def _ask(self, step: Json) -> None:
        try:
            reply = await self._sessions[step["ask"]].ask(parsed(step, pb.SessionRequest))
        except fanfare.FanfareError as error:
            self._failed(step, error)
        else:
            self._answered(step, printed(reply))

    async def _write(self, step: Json) -> None:
        await self._streams[step["write"]].write(parsed(step, pb.SessionRequest))

    async def _finish(self, step: Json) -> None:
        await self._streams[step["finish"]].finish()

    async def _cancel(self, step: Json) -> None:
        cancelled = self._streams[step["cancel"]].cancel()
        if asyncio.iscoroutine(cancelled):
            await cancelled

    async def _read(self, step: Json) -> None:
        for number, expected in enumerate(step["frames"], 1):
            frame = await self._streams[step["read"]].frame(set(expected))
            match(expected, frame, self._names, f"frame {number}")

    async def _account(self, step: Json) -> None:
        following, through, gaps = int(step["after"]) + 1, int(step["through"]), 0
        while following <= through:
            frame = await self._streams[step["account"]].frame(set())
            event, gap = frame.get("event"), frame.get("gap")
            if event and int(event["sequence"]) == following:
                following += 1
            elif gap and int(gap.get("after", 0)) < following <= int(gap["through"]):
                following = int(gap["through"]) + 1
                gaps += 1
            else:
                raise MismatchError(f"expected number {following}, got {str(frame)[:300]}")
        if bool(gaps) != step["gaps"]:
            raise MismatchError(f"there were {gaps} gaps")

    async def _ended(self, step: Json) -> None:
        try:
            while True:
                frame = await self._streams[step["ended"]].frame(set())
                if not step.get("skipping") and "closing" not in frame:
                    raise MismatchError(f"expected the end, got {str(frame)[:300]}")
        except fanfare.FanfareError as error:
            match(step["error"], told(error), self._names)

    async def _control(self, step: Json) -> None:
        match(step.get("expect", {}), await self._node.operate(step), self._names)

    async def _wait_ms(self, step: Json) -> None:
        await asyncio.sleep(step["wait_ms"] / 1000)


# The keys of each verb's steps; an `open` has a `call` too, so the order counts.
VERBS = {
    "repeat": {"steps"},
    "open": {"call", "request", "connection", "deadline_ms"},
    "follow": {"request"},
    "session": set(),
    "ask": {"request", "expect", "error"},
    "write": {"request"},
    "finish": set(),
    "cancel": set(),
    "read": {"frames"},
    "account": {"after", "through", "gaps"},
    "ended": {"error", "skipping"},
    "control": {"expect"},
    "wait_ms": set(),
    "call": {"request", "expect", "error", "connection", "deadline_ms", "via"},
}


def parsed(step: Json, kind: type[Message]) -> Any:
    return json_format.ParseDict(step.get("request", {}), kind())


def seconds(step: Json) -> float | None:
    return step["deadline_ms"] / 1000 if "deadline_ms" in step else None
