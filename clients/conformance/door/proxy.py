"""A TCP proxy that can cut, freeze, and count what clients ping.

It has an address of its own, so that a node behind it may be stopped and come
back at the same place. It holds one buffer for each direction of a connection
and reads no more while the other side does not take it.
"""

import asyncio
import contextlib

PIECE = 64 << 10
PREFACE = 24
HEADER = 9
PING = 6
ACK = 1


class PingCounter:
    """Counts the PING frames of an HTTP/2 client that are no answers."""

    def __init__(self) -> None:
        self.pings = 0
        self._skip = PREFACE
        self._header = b""

    def feed(self, data: bytes) -> None:
        while data:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:]
            wanted = HEADER - len(self._header)
            self._header += data[:wanted]
            data = data[wanted:]
            if len(self._header) == HEADER:
                kind, flags = self._header[3], self._header[4]
                self.pings += kind == PING and not flags & ACK
                self._skip = int.from_bytes(self._header[:3])
                self._header = b""


class Connection:
    """Two sockets, and whether what one says still reaches the other."""

    def __init__(self, *writers: asyncio.StreamWriter) -> None:
        self.counter = PingCounter()
        self._writers = writers
        self._flowing = asyncio.Event()
        self._flowing.set()

    def freeze(self) -> None:
        self._flowing.clear()

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._flowing.set()

    async def up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._pump(reader, writer, self.counter.feed)

    async def down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._pump(reader, writer, lambda _: None)

    async def _pump(self, reader, writer, look) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(PIECE):
                look(data)
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
        await self._flowing.wait()
        writer.close()


class Proxy:
    """Listens on a free port of loopback, and forwards to `target`."""

    def __init__(self) -> None:
        self.target: int | None = None
        self._open: set[Connection] = set()
        self._closed_pings = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=PIECE)
        return "127.0.0.1:%d" % self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()

    def cut(self) -> None:
        for connection in list(self._open):
            connection.cut()

    def freeze(self) -> None:
        for connection in self._open:
            connection.freeze()

    def pings(self) -> int:
        return self._closed_pings + sum(connection.counter.pings for connection in self._open)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self.target is None:
                raise ConnectionRefusedError
            from_node, to_node = await asyncio.open_connection("127.0.0.1", self.target, limit=PIECE)
        except OSError:
            writer.transport.abort()
            return
        connection = Connection(writer, to_node)
        self._open.add(connection)
        try:
            await asyncio.gather(connection.up(reader, to_node), connection.down(from_node, writer))
        finally:
            self._open.discard(connection)
            self._closed_pings += connection.counter.pings
