"""What a call failed with, in a form to decide by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
from google.protobuf import symbol_database
from google.rpc import error_details_pb2, status_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from google.protobuf.any_pb2 import Any
    from google.protobuf.message import Message

DOMAIN = "fanfare.v1"
_DETAILS_KEY = "grpc-status-details-bin"
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class FanfareError(Exception):
    """A call that failed, or a stream that ended.

    Decide by `code` and `reason`; the wording of `message` may change. The
    `reason` is empty if the error is not the node's own, as of a connection
    that broke.
    """

    def __init__(
        self, code: grpc.StatusCode, message: str, details: Sequence[Message] = ()
    ) -> None:
        self.code = code
        self.message = message
        self.details = details
        self.reason = next(
            (
                detail.reason
                for detail in details
                if isinstance(detail, error_details_pb2.ErrorInfo) and detail.domain == DOMAIN
            ),
            "",
        )
        super().__init__(f"{code.name}{f' ({self.reason})' if self.reason else ''}: {message}")

    @property
    def retry_delay(self) -> float:
        """Seconds to stay away for, as the node asked; 0 if it did not."""
        for detail in self.details:
            if isinstance(detail, error_details_pb2.RetryInfo):
                return float(detail.retry_delay.ToTimedelta().total_seconds())
        return 0.0


def from_call(error: grpc.aio.AioRpcError) -> FanfareError:
    status = status_pb2.Status()
    for key, value in error.trailing_metadata() or ():
        if key == _DETAILS_KEY and isinstance(value, bytes):
            status.ParseFromString(value)
    return FanfareError(error.code(), error.details() or "", unpacked(status.details))


def from_status(code: int, message: str, details: Iterable[Any]) -> FanfareError:
    return FanfareError(_CODES.get(code, grpc.StatusCode.UNKNOWN), message, unpacked(details))


def unpacked(details: Iterable[Any]) -> list[Message]:
    """The details whose types are known here; others say nothing to us."""
    known = []
    symbols = symbol_database.Default()
    for detail in details:
        try:
            message = symbols.GetSymbol(detail.TypeName())()
        except KeyError:
            continue
        detail.Unpack(message)
        known.append(message)
    return known
