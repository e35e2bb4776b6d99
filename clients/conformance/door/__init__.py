"""The door: plain HTTP on loopback that gives drivers their nodes."""

import asyncio
import itertools
from pathlib import Path

from aiohttp import web

from .breaker import Fault
from .fake import Fake
from .node import Node

OPERATIONS = {
    Node: {"cut", "freeze", "stop", "drain", "start", "restart", "pings", "memory"},
    Fake: {"requests"},
}


class Door:
    """Holds the nodes that drivers asked for, each under its number."""

    def __init__(self, binary: Path, fault: Fault | None = None) -> None:
        self._binary = binary
        self._fault = fault
        self._nodes: dict[str, Node | Fake] = {}
        self._ids = itertools.count(1)
        self._runner: web.AppRunner | None = None

    async def open(self) -> str:
        app = web.Application(middlewares=[told])
        app.router.add_post("/nodes", self._new)
        app.router.add_post("/nodes/{id}/{operation}", self._operate)
        app.router.add_delete("/nodes/{id}", self._delete)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        return "http://127.0.0.1:%d" % self._runner.addresses[0][1]

    async def close(self) -> None:
        closing = (node.close() for node in self._nodes.values())
        await asyncio.gather(*closing, return_exceptions=True)
        assert self._runner is not None
        await self._runner.cleanup()

    async def _new(self, request: web.Request) -> web.Response:
        wanted = await request.json()
        if unknown := set(wanted) - {"set", "fake"}:
            raise ValueError(f"a node has no {unknown}")
        if "fake" in wanted:
            node = Fake(wanted["fake"])
        else:
            node = Node(self._binary, wanted.get("set", {}), self._fault)
        name = str(next(self._ids))
        self._nodes[name] = node
        return web.json_response({"id": name, "address": await node.open()})

    async def _operate(self, request: web.Request) -> web.Response:
        node = self._nodes[request.match_info["id"]]
        operation = request.match_info["operation"]
        if operation not in OPERATIONS[type(node)]:
            raise ValueError(f"{operation} is nothing for a {type(node).__name__}")
        return web.json_response(await getattr(node, operation)() or {})

    async def _delete(self, request: web.Request) -> web.Response:
        await self._nodes.pop(request.match_info["id"]).close()
        return web.json_response({})


@web.middleware
async def told(request: web.Request, handler) -> web.StreamResponse:
    """Tells the driver why something went wrong, as text."""
    try:
        return await handler(request)
    except web.HTTPException:
        raise
    except Exception as error:
        return web.Response(status=409, text=f"{request.path}: {type(error).__name__}: {error}")
