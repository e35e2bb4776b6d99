"""A script in a node's place, for what a real node cannot be asked to do."""

import asyncio
import time

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.json_format import MessageToDict, ParseDict
from google.rpc import error_details_pb2 as _details  # known to the JSON reader
from google.rpc.status_pb2 import Status

from fanfare.v1 import realtime_pb2 as pb

SERVICE = "fanfare.v1.RealtimeService"



def encoded(entry: dict, kind: type) -> bytes:
    if "$hex" in entry:
        return bytes.fromhex(entry["$hex"])
    return ParseDict(entry, kind()).SerializeToString()


async def end(context: grpc.aio.ServicerContext, told: dict) -> None:
    status = Status(code=told["code"], message=told.get("message", ""))
    for detail in told.get("details", []):
        status.details.append(ParseDict(detail, Any()))
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    code = next(code for code in grpc.StatusCode if code.value[0] == status.code)
    await context.abort(code, status.message)


class Fake:
    """Answers Subscribe and Send from lists, and keeps what it was asked."""

    def __init__(self, script: dict) -> None:
        self._script = script
        self._asked: dict[str, list] = {"Subscribe": [], "Send": []}
        self._ended_at: float | None = None
        self._server = grpc.aio.server()

    async def open(self) -> str:
        handlers = {
            "Subscribe": grpc.unary_stream_rpc_method_handler(self._subscribe),
            "Send": grpc.unary_unary_rpc_method_handler(self._send),
        }
        generic = grpc.method_handlers_generic_handler(SERVICE, handlers)
        self._server.add_generic_rpc_handlers((generic,))
        port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        return f"127.0.0.1:{port}"

    async def close(self) -> None:
        await self._server.stop(None)

    async def requests(self) -> dict:
        return self._asked

    def _take(self, method: str, request: pb.SubscribeRequest | pb.SendRequest):
        entry = {"request": MessageToDict(request)}
        if self._ended_at is not None:
            entry["waited_ms"] = round((time.monotonic() - self._ended_at) * 1000)
        asked = self._asked[method]
        script = self._script.get(method, [])
        asked.append(entry)
        return script[len(asked) - 1] if len(asked) <= len(script) else None

    async def _subscribe(self, data: bytes, context: grpc.aio.ServicerContext):
        frames = self._take("Subscribe", pb.SubscribeRequest.FromString(data))
        if frames is None:
            await context.abort(grpc.StatusCode.INTERNAL, "the script has no more streams")
        for frame in frames:
            if "$status" in frame:
                self._ended_at = time.monotonic()
                if frame["$status"]["code"] == 0:
                    return
                await end(context, frame["$status"])
            yield encoded(frame, pb.SubscribeResponse)
        await asyncio.Event().wait()

    async def _send(self, data: bytes, context: grpc.aio.ServicerContext) -> bytes:
        answer = self._take("Send", pb.SendRequest.FromString(data))
        if answer is None:
            await context.abort(grpc.StatusCode.INTERNAL, "the script has no more answers")
        if "$status" in answer:
            await end(context, answer["$status"])
        return encoded(answer, pb.SendResponse)
