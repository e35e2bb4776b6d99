"""Runs the scenarios of clients/conformance with this client."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from door import Door
from scenario import Scenario

AT_A_TIME = 4


async def run(scenario: dict[str, Any], door: Door, turns: asyncio.Semaphore) -> bool:
    result = {"scenario": scenario["name"], "ok": True}
    async with nullcontext() if scenario.get("slow") else turns:
        try:
            await Scenario(scenario, door).run()
        except Exception as error:  # noqa: BLE001
            result |= {"ok": False, "why": str(error) or repr(error)}
    print(json.dumps(result, ensure_ascii=False), flush=True)
    return bool(result["ok"])


async def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--door", required=True)
    arguments.add_argument("--scenarios", required=True, type=Path)
    arguments.add_argument("--only", default="")
    given = arguments.parse_args()
    scenarios = [
        scenario
        for scenario in json.loads(given.scenarios.read_text())["scenarios"]
        if given.only in scenario["name"]
    ]
    turns = asyncio.Semaphore(AT_A_TIME)
    results = await asyncio.gather(*(run(s, Door(given.door), turns) for s in scenarios))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
