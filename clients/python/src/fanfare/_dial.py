"""Connections, as a node and its clients want them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from importlib import resources

import grpc

from fanfare.v1.realtime_pb2_grpc import RealtimeServiceStub

SERVICE_CONFIG = (resources.files("fanfare") / "service-config.json").read_text()


@dataclass(frozen=True)
class Dialer:
    """Where a node is, and how to reach it."""

    address: str
    credentials: grpc.ChannelCredentials | None
    keepalive: float

    def dial(self, *, idle_pings: bool = False) -> Connection:
        """A connection of its own: gRPC would otherwise share by address."""
        options = [
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.service_config", SERVICE_CONFIG),
            ("grpc.keepalive_time_ms", round(1000 * self.keepalive)),
            ("grpc.keepalive_timeout_ms", 10_000),
            ("grpc.keepalive_permit_without_calls", int(idle_pings)),
            ("grpc.http2.max_pings_without_data", 0),
            # A node that restarts is found again soon.
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 1000),
            ("grpc.max_reconnect_backoff_ms", 5000),
        ]
        if self.credentials is None:
            return Connection(grpc.aio.insecure_channel(self.address, options))
        return Connection(grpc.aio.secure_channel(self.address, self.credentials, options))


class Connection:
    """A channel with its stub."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.channel = channel
        self.stub = RealtimeServiceStub(channel)

    async def close(self) -> None:
        await asyncio.shield(self.channel.close())
