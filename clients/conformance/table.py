"""Runs the drivers and prints the table, scenario by language."""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from door import Door
from door.breaker import FAULTS, NOTHING, Fault

LANGUAGES = ["go", "java", "node", "python", "rust"]
ROOT = Path(__file__).parents[2]
SCENARIOS = ROOT / "clients/conformance/scenarios.json"
# Two cores install or drive; what hangs beyond this is a failure to be shown.
INSTALLS = asyncio.Semaphore(2)
AT_A_TIME = asyncio.Semaphore(6)
DRIVE_SECONDS = 300
INSTALL_SECONDS = 600


@dataclass
class Column:
    """What became of one language's driver."""

    language: str
    results: dict[str, dict] = field(default_factory=dict)
    trouble: str = ""
    seconds: float = 0

    def cell(self, scenario: str) -> str:
        result = self.results.get(scenario)
        if result is None:
            return "-"
        return "ok" if result["ok"] is True else "FAIL"

    @property
    def seen(self) -> str:
        """What the one scenario that was run came to."""
        if len(self.results) != 1:
            return "-"
        return "ok" if all(result["ok"] is True for result in self.results.values()) else "red"

    @property
    def executable(self) -> Path:
        return ROOT / "clients" / self.language / "conformance"


async def run(column: Column, limit: float, *arguments: str) -> tuple[int, bytes, bytes]:
    process = await asyncio.create_subprocess_exec(
        column.executable,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        cwd=ROOT,
    )
    said = asyncio.ensure_future(process.communicate())
    try:
        await asyncio.wait([said], timeout=limit)
        if not said.done():
            column.trouble += f"{arguments[0]}: still running after {limit:.0f} s\n"
    finally:
        if not said.done():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    output, errors = await said
    return await process.wait(), output, errors


async def install(column: Column) -> None:
    if not column.executable.exists():
        column.trouble = f"there is no {column.executable.relative_to(ROOT)}\n"
        return
    async with INSTALLS:
        began = time.monotonic()
        code, output, errors = await run(column, INSTALL_SECONDS, "install")
    if code:
        column.trouble += f"install: exit code {code}\n{tail(output)}{tail(errors)}"
    print(f"{column.language}: installed in {time.monotonic() - began:.0f} s", flush=True)


async def drive(column: Column, door: str, only: str) -> None:
    if column.trouble:
        return
    began = time.monotonic()
    arguments = ["--door", door, "--scenarios", str(SCENARIOS), "--only", only]
    code, output, errors = await run(column, DRIVE_SECONDS, "drive", *arguments)
    column.seconds = time.monotonic() - began
    for line in output.decode(errors="replace").splitlines():
        try:
            result = json.loads(line)
            column.results[result["scenario"]] = result
            result["ok"]
        except (ValueError, KeyError, TypeError):
            column.trouble += f"not a result: {line[:200]}\n"
    if code:
        column.trouble += f"drive: exit code {code}\n{tail(errors)}"


def tail(output: bytes) -> str:
    return "".join(f"  {line}\n" for line in output.decode(errors="replace").splitlines()[-30:])


def show(columns: list[Column], scenarios: list[str]) -> bool:
    """Prints the table, then why; whether all is well."""
    width = max(map(len, scenarios))
    print("\n" + "scenario".ljust(width), *(c.language.rjust(7) for c in columns))
    for scenario in scenarios:
        print(scenario.ljust(width), *(c.cell(scenario).rjust(7) for c in columns))
    print("seconds".ljust(width), *(f"{c.seconds:7.0f}" for c in columns))
    for column in columns:
        if column.trouble:
            print(f"\n{column.language}: {column.trouble}", end="")
        for scenario in scenarios:
            if column.cell(scenario) == "FAIL":
                print(f"\n{column.language}: {scenario}\n  {column.results[scenario].get('why')}")
    cells = [column.cell(scenario) for column in columns for scenario in scenarios]
    print(f"\n{cells.count('ok')} of {len(cells)} are ok")
    return all(cell == "ok" for cell in cells) and not any(c.trouble for c in columns)


async def broken(columns: list[Column], node: Path) -> bool:
    """Breaks one promise after the other, and prints who noticed."""
    scenarios = {fault.scenario for fault in FAULTS.values()}
    faults = {f"nothing: {text}": replace(NOTHING, scenario=text) for text in sorted(scenarios)}
    # Of which no plain gRPC server is capable.
    del faults[f"nothing: {FAULTS['pings are punished'].scenario}"]
    faults |= FAULTS
    well = True

    async def attempt(fault: Fault) -> list[Column]:
        async with AT_A_TIME:
            door = Door(node, fault)
            address = await door.open()
            tried = [Column(column.language) for column in columns]
            try:
                await asyncio.gather(*(drive(column, address, fault.scenario) for column in tried))
            finally:
                await door.close()
        return tried

    rows = await asyncio.gather(*(attempt(fault) for fault in faults.values()))
    width = max(map(len, faults))
    print("\n" + "broken".ljust(width), *(c.language.rjust(7) for c in columns))
    for name, row in zip(faults, rows):
        wanted = "red" if name in FAULTS else "ok"
        well = well and all(column.seen == wanted for column in row)
        print(name.ljust(width), *(column.seen.rjust(7) for column in row))
    for name, row in zip(faults, rows):
        for column in row:
            for result in column.results.values():
                if not result["ok"]:
                    print(f"\n{name}, {column.language}: {shortened(result.get('why'))}")
            if not column.results:
                print(f"\n{name}, {column.language}: {column.trouble}")
    return well


def shortened(why: str | None) -> str:
    text = " ".join(str(why).split())
    return text if len(text) < 300 else f"{text[:300]}..."


async def binary() -> Path:
    if given := os.environ.get("FANFARE_BIN"):
        return Path(given)
    build = await asyncio.create_subprocess_exec(
        "cargo", "build", "--release", "--quiet", "--bin", "fanfare", cwd=ROOT
    )
    if await build.wait():
        sys.exit("the node does not build")
    return ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release/fanfare"


async def main() -> int:
    # So that nodes and drivers end with us.
    stop = asyncio.current_task().cancel
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    arguments = argparse.ArgumentParser(prog="run")
    arguments.add_argument("--language", action="append", choices=LANGUAGES)
    arguments.add_argument("--only", default="", metavar="TEXT", help="scenarios named so")
    arguments.add_argument("--door", action="store_true", help="just open the door, until Ctrl-C")
    arguments.add_argument("--broken", action="store_true", help="break promises; all must notice")
    given = arguments.parse_args()
    names = [scenario["name"] for scenario in json.loads(SCENARIOS.read_text())["scenarios"]]
    scenarios = [name for name in names if given.only in name]
    if not scenarios:
        sys.exit(f"no scenario's name has {given.only!r} in it")
    if twice := {name for name in names if names.count(name) > 1}:
        sys.exit(f"scenarios of the same name: {twice}")
    columns = [Column(language) for language in given.language or LANGUAGES]
    node = await binary()
    if given.broken:
        await asyncio.gather(*(install(column) for column in columns))
        return 0 if await broken(columns, node) else 1
    door = Door(node)
    address = await door.open()
    try:
        if given.door:
            print(address, flush=True)
            await asyncio.Event().wait()
        await asyncio.gather(*(install(column) for column in columns))
        await asyncio.gather(*(drive(column, address, given.only) for column in columns))
    finally:
        await door.close()
    return 0 if show(columns, scenarios) else 1


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main()))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit("stopped")
