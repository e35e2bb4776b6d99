"""Fanfare's client: send events to channels, and receive those of others.

    async with fanfare.Client("127.0.0.1:50051") as client:
        await client.send("chat", "message", payload.json({"text": "Hello!"}))
        async with client.subscribe("chat") as frames:
            async for frame in frames:
                ...

Messages are the generated ones, in `fanfare.v1.realtime_pb2`.
"""

from fanfare import payload
from fanfare._client import Client
from fanfare._errors import FanfareError
from fanfare._session import Session
from fanfare._subscription import Subscription
from fanfare.payload import UnknownKindError

__all__ = ["Client", "FanfareError", "Session", "Subscription", "UnknownKindError", "payload"]
