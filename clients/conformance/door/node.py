"""A real node behind a proxy: started, stopped, and cut off."""

import asyncio
import os
import re
from pathlib import Path

from .breaker import Breaker, Fault
from .proxy import Proxy

LISTENING = re.compile(rb"listening on 127\.0\.0\.1:(\d+)")
PATIENCE = 30


class Node:
    """A process of the binary with settings, at an address that stays."""

    def __init__(self, binary: Path, settings: dict[str, str], fault: Fault | None) -> None:
        self._fault = fault
        self._breaker: Breaker | None = None
        self._command = [str(binary), "serve", "--listen", "127.0.0.1:0", "--log", "warn"]
        for key, value in settings.items():
            self._command += ["--set", f"{key}={value}"]
        self._proxy = Proxy()
        self._process: asyncio.subprocess.Process | None = None
        self._draining = False

    async def open(self) -> str:
        address = await self._proxy.start()
        await self.start()
        return address

    async def close(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        await self._proxy.stop()
        await self._unbreak()

    async def start(self) -> None:
        # What configures a node in the environment is not for these.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("FANFARE_")}
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            env=environment,
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            line = await self._process.stdout.readline()
        found = LISTENING.search(line)
        if found is None:
            raise RuntimeError(f"the node did not start: {line!r}")
        self._draining = False
        port = int(found[1])
        if self._fault is not None:
            self._breaker = Breaker(self._fault, port)
            port = await self._breaker.open()
        self._proxy.target = port

    async def drain(self) -> None:
        assert self._process is not None
        # A second signal would cut the shutdown short.
        if not self._draining and self._process.returncode is None:
            self._process.terminate()
        self._draining = True

    async def stop(self) -> None:
        await self.drain()
        async with asyncio.timeout(PATIENCE):
            await self._process.wait()
        self._proxy.target = None
        await self._unbreak()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def _unbreak(self) -> None:
        breaker, self._breaker = self._breaker, None
        if breaker is not None:
            await breaker.close()

    async def cut(self) -> None:
        self._proxy.cut()

    async def freeze(self) -> None:
        self._proxy.freeze()

    async def pings(self) -> dict:
        return {"pings": self._proxy.pings()}

    async def memory(self) -> dict:
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return {"bytes": int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) << 10}
