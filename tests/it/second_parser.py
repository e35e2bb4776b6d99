"""Parses frames, one in hex a line, as a SubscribeResponse of fanfare.v1.

Prints which of protobuf's parsers answers, then for each frame what was
understood of it, encoded again in hex, or "refused".
"""

import sys

from google.protobuf import (
    any_pb2,
    descriptor_pb2,
    descriptor_pool,
    message,
    message_factory,
    struct_pb2,
)
from google.protobuf.internal import api_implementation

# Name: (number, type), of the messages that carry what users send.
MESSAGES = {
    "SubscribeResponse": {
        "event": (2, "fanfare.v1.Event"),
        "members": (7, "fanfare.v1.MembersSnapshot"),
    },
    "Event": {
        "channel": (1, str),
        "payload": (3, "fanfare.v1.Payload"),
        "sequence": (4, int),
    },
    "MembersSnapshot": {"members": (2, "fanfare.v1.Member")},
    "Member": {"id": (1, str), "data": (2, "google.protobuf.Struct")},
    "Payload": {
        "json": (1, "google.protobuf.Value"),
        "text": (2, str),
        "binary": (3, bytes),
        "any": (4, "google.protobuf.Any"),
    },
}
ONEOFS = {"SubscribeResponse": "frame", "Payload": "kind"}

Field = descriptor_pb2.FieldDescriptorProto
SCALARS = {str: Field.TYPE_STRING, bytes: Field.TYPE_BYTES, int: Field.TYPE_FIXED64}


def add_field(to, name, number, kind):
    field = to.field.add(name=name, number=number, label=Field.LABEL_OPTIONAL)
    if name == "members" and to.name == "MembersSnapshot":
        field.label = Field.LABEL_REPEATED
    if to.oneof_decl:
        field.oneof_index = 0
    if kind in SCALARS:
        field.type = SCALARS[kind]
    else:
        field.type = Field.TYPE_MESSAGE
        field.type_name = "." + kind


def subscribe_response():
    file = descriptor_pb2.FileDescriptorProto(
        name="fanfare/v1/second_parser.proto",
        package="fanfare.v1",
        syntax="proto3",
        dependency=[struct_pb2.DESCRIPTOR.name, any_pb2.DESCRIPTOR.name],
    )
    for name, fields in MESSAGES.items():
        to = file.message_type.add(name=name)
        if name in ONEOFS:
            to.oneof_decl.add(name=ONEOFS[name])
        for field, (number, kind) in fields.items():
            add_field(to, field, number, kind)
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    found = pool.FindMessageTypeByName("fanfare.v1.SubscribeResponse")
    return message_factory.GetMessageClass(found)


def understood(frame, cls):
    try:
        parsed = cls.FromString(frame)
    except (message.DecodeError, UnicodeDecodeError):
        return "refused"
    # Kept aside, they would come back as if they had been understood.
    parsed.DiscardUnknownFields()
    return parsed.SerializeToString().hex()


def main():
    cls = subscribe_response()
    print(api_implementation.Type())
    for line in sys.stdin.read().split():
        print(understood(bytes.fromhex(line), cls))


main()
