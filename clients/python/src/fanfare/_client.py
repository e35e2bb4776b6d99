"""The client: calls to a node, subscriptions and sessions."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Self, TypeVar

import grpc
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct

from fanfare import _errors
from fanfare._dial import Dialer
from fanfare._session import Session
from fanfare._subscription import Subscription
from fanfare.v1 import realtime_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Mapping
    from datetime import datetime, timedelta

    from fanfare.v1.realtime_pb2_grpc import RealtimeServiceStub


Response = TypeVar("Response")


class Client:
    """A node's client, for one event loop. Use it as a context manager.

    Unary calls share a connection; each subscription and session has its own,
    so that none of them waits for another's reader.
    """

    def __init__(
        self,
        address: str,
        *,
        credentials: grpc.ChannelCredentials | None = None,
        timeout: float = 10.0,
        keepalive: float = 20.0,
    ) -> None:
        """Connects when it is first used.

        `timeout` bounds each unary call with its retries, in seconds.
        `keepalive` is how often a silent connection is pinged, 10 s or more.
        """
        self._dialer = Dialer(address, credentials, keepalive)
        self._timeout = timeout
        self._connection = self._dialer.dial()

    @property
    def stub(self) -> RealtimeServiceStub:
        """The generated stub, for whatever has no method here."""
        return self._connection.stub

    async def send(  # noqa: PLR0913
        self,
        channel: str,
        event: str = "",
        payload: pb.Payload | None = None,
        *,
        request_id: str = "",
        sender_id: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> pb.SendResponse:
        """Sends one event; returns once it is numbered and in the log.

        Repeated by itself while the node is away, within `timeout`. The
        `request_id`, made up if you give none, keeps that from sending twice;
        give one of your own to repeat it yourself, after a crash for instance.
        """
        request = pb.SendRequest(
            channel=channel,
            event=event,
            payload=payload,
            request_id=request_id or str(uuid.uuid4()),
            sender_id=sender_id,
            headers=headers,
        )
        return await self._answer(self.stub.Send(request, timeout=self._timeout))

    async def broadcast(
        self,
        event: str,
        payload: pb.Payload | None = None,
        *,
        request_id: str = "",
        sender_id: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> pb.BroadcastResponse:
        """Sends one event to every subscriber. Repeated as `send` is."""
        request = pb.BroadcastRequest(
            event=event,
            payload=payload,
            request_id=request_id or str(uuid.uuid4()),
            sender_id=sender_id,
            headers=headers,
        )
        return await self._answer(self.stub.Broadcast(request, timeout=self._timeout))

    async def members(self, channel: str, *, page_size: int = 0) -> AsyncIterator[pb.Member]:
        """Everyone in a channel, in the order in which they joined, of all pages."""
        request = pb.GetMembersRequest(channel=channel, page_size=page_size)
        while True:
            page = await self._answer(self.stub.GetMembers(request, timeout=self._timeout))
            for member in page.members:
                yield member
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def subscribe(  # noqa: PLR0913
        self,
        *channels: str | pb.Subscription,
        data: dict[str, Any] | None = None,
        last: int | None = None,
        since: datetime | None = None,
        resume: pb.Position | None = None,
        member_token: str = "",
        heartbeat: timedelta | None = None,
        broadcasts: pb.BroadcastSubscription | None = None,
    ) -> Subscription:
        """Subscribes to channels and patterns, and comes back after every cut.

        A name alone joins the channel; a `Subscription` says more of it, such
        as filters or `presence`. `data` is the profile that others see.
        """
        request = pb.SubscribeRequest(
            subscriptions=[
                pb.Subscription(channel=c) if isinstance(c, str) else c for c in channels
            ],
            last=last,
            resume=resume,
            broadcasts=broadcasts,
            member_token=member_token,
        )
        if data is not None:
            request.data.CopyFrom(json_format.ParseDict(data, Struct()))
        if since is not None:
            request.since.FromDatetime(since)
        if heartbeat is not None:
            request.heartbeat_interval.FromTimedelta(heartbeat)
        return self.follow(request)

    def follow(self, request: pb.SubscribeRequest) -> Subscription:
        """`subscribe` with a request as the proto has it."""
        return Subscription(self._dialer, request)

    def session(self) -> Session:
        """Opens one stream for sending, subscribing and receiving."""
        return Session(self._dialer)

    async def close(self) -> None:
        """Ends the unary calls. Subscriptions and sessions have their own `close`."""
        await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _answer(self, call: Awaitable[Response]) -> Response:
        try:
            return await call
        except grpc.aio.AioRpcError as error:
            raise _errors.from_call(error) from None
