"""What the conformance scenarios do not reach."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import grpc
import pytest

import fanfare
from fanfare import payload
from fanfare.v1 import realtime_pb2 as pb


async def test_what_is_sent_is_received_with_all_that_was_said_of_it(node: str) -> None:
    async with (
        fanfare.Client(node) as client,
        client.subscribe("a", heartbeat=timedelta(seconds=5)) as frames,
    ):
        ready = await anext(frames)
        assert ready.ready.heartbeat_interval.ToTimedelta() == timedelta(seconds=5)
        sent = await client.send(
            "a", "e", payload.text("x"), request_id="r", sender_id="s", headers={"k": "v"}
        )
        event = (await anext(frames)).event
        assert event.sequence == sent.position.sequence
        assert (event.name, event.id, event.sender_id) == ("e", "r", "s")
        assert dict(event.headers) == {"k": "v"}
        await client.broadcast("all", payload.binary(b"\0"))
        broadcast = (await anext(frames)).event
        assert (broadcast.channel, broadcast.payload.binary) == ("", b"\0")


async def test_who_gives_up_waiting_for_a_frame_gets_it_later(node: str) -> None:
    async with fanfare.Client(node) as client, client.subscribe("a") as frames:
        await anext(frames)
        for name in ("1", "2"):
            waiting = asyncio.ensure_future(anext(frames))
            # So that it waits in gRPC.
            await client.send("elsewhere")
            waiting.cancel()
            await asyncio.wait([waiting])
            await client.send("a", name)
            assert (await anext(frames)).event.name == name


async def test_closing_ends_who_waits_for_a_frame(node: str) -> None:
    async with fanfare.Client(node) as client:
        frames = client.subscribe("a")
        await anext(frames)
        waiting = asyncio.create_task(read_all(frames))
        await client.send("elsewhere")
        await frames.close()
        assert await waiting == []
        assert await read_all(frames) == []


async def read_all(frames: fanfare.Subscription) -> list[pb.SubscribeResponse]:
    return [frame async for frame in frames]


async def test_another_process_goes_on_where_one_stopped(node: str) -> None:
    async with fanfare.Client(node) as client:
        async with client.subscribe("a") as frames:
            assert frames.position is None
            await anext(frames)
            await client.send("a", "1")
            await anext(frames)
            position, token = frames.position, frames.member_token
        await client.send("a", "2")
        async with client.subscribe("a", resume=position, member_token=token) as frames:
            assert (await anext(frames)).ready.recovered
            assert (await anext(frames)).event.name == "2"


async def test_a_subscription_may_begin_in_the_past(node: str) -> None:
    async with fanfare.Client(node) as client:
        await client.send("a", "1")
        async with client.subscribe("a", since=datetime(2000, 1, 1, tzinfo=UTC)) as frames:
            await anext(frames)
            assert (await anext(frames)).event.name == "1"


async def test_members_come_with_their_profiles(node: str) -> None:
    async with (
        fanfare.Client(node) as client,
        client.subscribe("a", data={"name": "Ada"}) as frames,
    ):
        ready = (await anext(frames)).ready
        members = [member async for member in client.members("a")]
        assert [member.id for member in members] == [ready.member_id]
        assert members[0].data.fields["name"].string_value == "Ada"


async def test_a_call_that_is_refused_says_why(node: str) -> None:
    async with fanfare.Client(node) as client:
        with pytest.raises(
            fanfare.FanfareError, match=r"INVALID_ARGUMENT \(INVALID_CHANNEL\)"
        ) as e:
            await client.send("a..b")
    assert e.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert e.value.reason == "INVALID_CHANNEL"


async def test_a_subscription_waits_for_a_node_and_can_be_given_up() -> None:
    async with (
        # Nobody listens on the discard port.
        fanfare.Client("127.0.0.1:9") as client,
        client.subscribe("a") as frames,
    ):
        waiting = asyncio.create_task(anext(frames))
        done, _ = await asyncio.wait([waiting], timeout=0.5)
        assert not done
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_requests_of_a_session_may_be_pipelined(node: str) -> None:
    async with fanfare.Client(node) as client, client.session() as session:
        sends = [session.send(pb.SendRequest(channel="a", event=str(i))) for i in range(1000)]
        answers = await asyncio.gather(*sends)
        assert [answer.position.sequence for answer in answers] == list(range(1, 1001))


async def test_a_session_that_ended_answers_no_more(node: str) -> None:
    async with fanfare.Client(node) as client:
        session = client.session()
        await session.send(pb.SendRequest(channel="a"))
        await session.finish()
        assert [frame async for frame in session] == []
        with pytest.raises(fanfare.FanfareError):
            await session.send(pb.SendRequest(channel="a"))
        await session.close()


async def test_a_session_keeps_the_position_of_what_it_handed_out(node: str) -> None:
    async with fanfare.Client(node) as client, client.session() as session:
        await session.subscribe(pb.SubscribeRequest(subscriptions=[pb.Subscription(channel="a")]))
        assert session.member_token
        sent = await client.send("a", "1")
        assert session.position.sequence == 0
        assert (await anext(session)).event.name == "1"
        assert session.position == sent.position
