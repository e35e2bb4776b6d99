"""What the scenarios write: variables, and what matches what."""

from __future__ import annotations

import re
from typing import Any

Json = Any
Names = dict[str, Json]
ABSENT = object()


class MismatchError(Exception):
    """What is there is not what was expected."""


def filled(value: Json, names: Names) -> Json:
    """With variables and repetitions replaced."""
    if isinstance(value, dict):
        return {key: filled(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, names) for inner in value]
    if not isinstance(value, str):
        return value
    if alone := re.fullmatch(r"\$\{([^}]*)\}", value):
        return _saved(alone[1], names)
    value = re.sub(r"\$\{([^}]*)\}", lambda found: str(_saved(found[1], names)), value)
    if repeated := re.fullmatch(r"\$repeat:(\d+):(.*)", value, re.DOTALL):
        return repeated[2] * int(repeated[1])
    return value


def _saved(name: str, names: Names) -> Json:
    if name not in names:
        raise MismatchError(f"nothing was saved as {name}")
    return names[name]


def match(expected: Json, actual: Json, names: Names, path: str = "") -> None:
    """Raises `MismatchError`, with the path of the first difference."""
    if isinstance(expected, str):
        expected = filled(expected, names)
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key, inner in expected.items():
            match(inner, actual.get(key, ABSENT), names, f"{path}.{key}")
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for index, inner in enumerate(expected):
            match(inner, actual[index], names, f"{path}[{index}]")
    elif not _agrees(expected, actual, names):
        there = "nothing" if actual is ABSENT else _short(actual)
        raise MismatchError(f"{path or 'it'}: expected {_short(expected)}, got {there}")


def _agrees(expected: Json, actual: Json, names: Names) -> bool:
    if expected == "$absent":
        return actual is ABSENT
    if actual is ABSENT:
        return False
    if not isinstance(expected, str) or not expected.startswith("$"):
        return (type(expected) is type(actual) and expected == actual) or _same(expected, actual)
    matcher, _, argument = expected.partition(":")
    match matcher:
        case "$any":
            return True
        case "$save":
            names[argument] = actual
            return True
        case "$gt":
            return float(actual) > float(argument)
        case "$lt":
            return float(actual) < float(argument)
        case "$ne":
            return isinstance(actual, str) and actual != argument
        case "$contains":
            return isinstance(actual, str) and argument in actual
    raise MismatchError(f"unknown matcher {expected}")


def _same(expected: Json, actual: Json) -> bool:
    def number(value: Json) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool)

    return number(expected) and number(actual) and float(expected) == float(actual)


def _short(value: Json) -> str:
    text = repr(value)
    return text if len(text) < 600 else f"{text[:600]}... ({len(text)} characters)"
