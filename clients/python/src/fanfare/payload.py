"""Payloads made and read."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any as Json

from google.protobuf import json_format
from google.protobuf.any_pb2 import Any
from google.protobuf.struct_pb2 import Value

from fanfare.v1.realtime_pb2 import Payload

if TYPE_CHECKING:
    from google.protobuf.message import Message


class UnknownKindError(ValueError):
    """A payload of a kind that is newer than this client."""


def json(value: Json) -> Payload:  # noqa: ANN401
    """Whatever `json.dumps` takes; integers past 2^53 lose digits."""
    return Payload(json=json_format.ParseDict(value, Value()))


def text(value: str) -> Payload:
    return Payload(text=value)


def binary(value: bytes) -> Payload:
    return Payload(binary=value)


def message(value: Message) -> Payload:
    """A message of your own, with its type's name."""
    packed = Any()
    packed.Pack(value)
    return Payload(any=packed)


def value(payload: Payload) -> Json:  # noqa: ANN401
    """What is in it: JSON as Python has it, str, bytes, or `Any`.

    Raises `UnknownKindError` where it cannot tell: that is not "empty". Ask an
    event with `event.HasField("payload")` whether there is one at all.
    """
    match payload.WhichOneof("kind"):
        case "json":
            return json_format.MessageToDict(payload.json)
        case "text":
            return payload.text
        case "binary":
            return payload.binary
        case "any":
            return payload.any
        case _:
            raise UnknownKindError("a payload of a kind that this client does not know")
