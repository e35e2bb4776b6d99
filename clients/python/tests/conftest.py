"""A node for each test."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def binary() -> Path:
    if given := os.environ.get("FANFARE_BIN"):
        return Path(given)
    subprocess.run(["cargo", "build", "--release", "--bin", "fanfare"], cwd=ROOT, check=True)
    return ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release/fanfare"


@pytest.fixture
def node(binary: Path) -> Iterator[str]:
    """The address of a node of the test's own."""
    # Which would be settings to it.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FANFARE_")}
    command = [str(binary), "serve", "--listen", "127.0.0.1:0", "--log", "warn"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        listening = re.search(r"listening on (\S+);", process.stdout.readline())
        assert listening is not None
        yield listening[1]
        process.kill()
