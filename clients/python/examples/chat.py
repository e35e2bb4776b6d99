"""A chat at the terminal: what others write is printed, what you type is sent.

python examples/chat.py lobby --name Ada
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

import fanfare
from fanfare import payload
from fanfare.v1 import realtime_pb2 as pb

CHANGES = {
    pb.PRESENCE_KIND_JOINED: "joined",
    pb.PRESENCE_KIND_LEFT: "left",
}


def show_event(event: pb.Event) -> None:
    if event.name == "message":
        said = payload.value(event.payload)
        print(f"{said['from']}: {said['text']}", flush=True)


def show_presence(change: pb.Presence, names: dict[str, str]) -> None:
    member = change.member
    if member.HasField("data"):
        names[member.id] = member.data.fields["name"].string_value
    if change.kind in CHANGES:
        print(f"* {names.get(member.id, 'somebody')} {CHANGES[change.kind]}", flush=True)


async def listen(frames: fanfare.Subscription, connected: asyncio.Event) -> None:
    names: dict[str, str] = {}
    async for frame in frames:
        match frame.WhichOneof("frame"):
            case "ready":
                print("* connected", flush=True)
                connected.set()
            case "event":
                show_event(frame.event)
            case "presence":
                show_presence(frame.presence, names)
            case "members":
                for member in frame.members.members:
                    names[member.id] = member.data.fields["name"].string_value
                print(f"* here: {', '.join(sorted(names.values()))}", flush=True)
            case "gap":
                print("* some messages were missed", flush=True)


async def talk(client: fanfare.Client, room: str, name: str, connected: asyncio.Event) -> None:
    await connected.wait()
    while line := await asyncio.to_thread(sys.stdin.readline):
        said = payload.json({"from": name, "text": line.strip()})
        await client.send(room, "message", said)


async def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("room")
    arguments.add_argument("--name", default="somebody")
    given = arguments.parse_args()
    address = os.environ.get("FANFARE_ADDRESS", "127.0.0.1:50051")
    room = pb.Subscription(channel=given.room, presence=True)
    connected = asyncio.Event()
    async with (
        fanfare.Client(address) as client,
        client.subscribe(room, data={"name": given.name}) as frames,
    ):
        listening = asyncio.create_task(listen(frames, connected))
        talking = asyncio.create_task(talk(client, given.room, given.name, connected))
        done, _ = await asyncio.wait([listening, talking], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        listening.cancel()


if __name__ == "__main__":
    asyncio.run(main())
