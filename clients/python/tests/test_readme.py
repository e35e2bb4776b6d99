"""The README's commands, as written."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parents[1]


def blocks(language: str) -> list[str]:
    return blocks_of((HERE / "README.md").read_text(), language)


def blocks_of(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_five_minutes_of_the_readme_go_as_it_says(node: str, tmp_path: Path) -> None:
    there = tmp_path / "python"
    shutil.copytree(HERE, there, ignore=shutil.ignore_patterns(".venv"))
    environment = os.environ | {"FANFARE_ADDRESS": node}
    install, join, say = blocks("bash")[:3]

    def shell(command: str) -> list[str]:
        return ["bash", "-euc", command]

    subprocess.run(shell(install), cwd=there, env=environment, check=True)
    with subprocess.Popen(
        shell(f"exec {join}"),
        cwd=there,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as ada:
        assert ada.stdout is not None
        shown = [ada.stdout.readline(), ada.stdout.readline()]
        subprocess.run(shell(say), cwd=there, env=environment, check=True)
        expected = blocks("text")[0].splitlines(keepends=True)
        shown += [ada.stdout.readline() for _ in expected[2:]]
        ada.kill()
    assert shown == expected


def test_the_program_of_the_readme_runs(node: str) -> None:
    program = blocks("python")[0]
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"FANFARE_ADDRESS": node},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "orders.7 {'total': 12.5}\n"


def test_the_page_on_clients_says_what_the_readme_says() -> None:
    page = (HERE.parents[1] / "docs/clients.md").read_text()
    section = page.partition("\n## Python\n")[2].partition("\n## ")[0]
    install, *commands = blocks("bash")[:3]
    assert blocks_of(section, "bash") == [f"cd clients/python\n{install}", *commands]
    assert blocks_of(section, "text") == blocks("text")
