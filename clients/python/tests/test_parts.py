"""The parts that need no node."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from google.protobuf.duration_pb2 import Duration

from fanfare import payload
from fanfare._backoff import FIRST, LONGEST, Backoff
from fanfare.v1 import realtime_pb2 as pb

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("value", [None, True, -1.5, "text", [1, None, {}], {"a": {"b": []}}])
def test_json_reads_as_it_was_written(value: object) -> None:
    assert payload.value(payload.json(value)) == value


def test_text_bytes_and_messages_read_as_they_were_written() -> None:
    assert payload.value(payload.text("")) == ""
    assert payload.value(payload.binary(b"\0")) == b"\0"
    there = Duration()
    assert payload.value(payload.message(Duration(seconds=7))).Unpack(there)
    assert there.seconds == 7


def test_a_kind_that_is_not_known_is_not_taken_for_empty() -> None:
    with pytest.raises(payload.UnknownKindError):
        payload.value(pb.Payload())


def test_waits_are_spread_over_a_bound_that_doubles_and_falls_back() -> None:
    backoff = Backoff()
    for bound in [FIRST * 2**n for n in range(6)] + [LONGEST] * 3:
        assert 0 <= backoff.next() <= bound
    backoff.succeeded()
    assert backoff.next() <= FIRST


def test_waits_differ() -> None:
    waits = {Backoff().next() for _ in range(100)}
    assert min(waits) < FIRST / 4
    assert max(waits) > FIRST * 3 / 4


def test_the_service_config_names_calls_that_there_are() -> None:
    text = (ROOT / "clients/python/src/fanfare/service-config.json").read_text()
    assert text == (ROOT / "clients/service-config.json").read_text()
    service = pb.DESCRIPTOR.services_by_name["RealtimeService"]
    named = [name for config in json.loads(text)["methodConfig"] for name in config["name"]]
    assert {name["service"] for name in named} == {service.full_name}
    assert {name["method"] for name in named} == {"Send", "Broadcast", "GetMembers"}
    assert all(name["method"] in service.methods_by_name for name in named)
