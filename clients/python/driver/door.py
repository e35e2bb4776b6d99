"""The runner's door, from which a driver gets nodes."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any


class DoorError(Exception):
    """The door refused, and said why."""


@dataclass(frozen=True)
class Door:
    address: str

    async def new(self, wanted: Any) -> Node:
        made = await self.ask("POST", "/nodes", wanted)
        return Node(self, made["id"], made["address"])

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        return await asyncio.to_thread(self._ask, method, path, json.dumps(body).encode())

    def _ask(self, method: str, path: str, body: bytes) -> Any:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.address + path, body, headers, method=method)
        try:
            with urllib.request.urlopen(request) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise DoorError(error.read().decode()) from None


@dataclass(frozen=True)
class Node:
    door: Door
    name: str
    address: str

    async def operate(self, step: Any) -> Any:
        return await self.door.ask("POST", f"/nodes/{self.name}/{step['control']}", step)

    async def delete(self) -> None:
        await self.door.ask("DELETE", f"/nodes/{self.name}")
