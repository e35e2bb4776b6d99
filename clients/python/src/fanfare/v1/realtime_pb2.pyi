import datetime

from google.protobuf import any_pb2 as _any_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OverflowPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OVERFLOW_POLICY_UNSPECIFIED: _ClassVar[OverflowPolicy]
    OVERFLOW_POLICY_GAP: _ClassVar[OverflowPolicy]
    OVERFLOW_POLICY_END: _ClassVar[OverflowPolicy]

class GapReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GAP_REASON_UNSPECIFIED: _ClassVar[GapReason]
    GAP_REASON_OVERFLOW: _ClassVar[GapReason]
    GAP_REASON_EXPIRED: _ClassVar[GapReason]
    GAP_REASON_EPOCH_CHANGED: _ClassVar[GapReason]

class PresenceKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRESENCE_KIND_UNSPECIFIED: _ClassVar[PresenceKind]
    PRESENCE_KIND_JOINED: _ClassVar[PresenceKind]
    PRESENCE_KIND_LEFT: _ClassVar[PresenceKind]
    PRESENCE_KIND_UPDATED: _ClassVar[PresenceKind]

class ClosingReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CLOSING_REASON_UNSPECIFIED: _ClassVar[ClosingReason]
    CLOSING_REASON_SHUTDOWN: _ClassVar[ClosingReason]
    CLOSING_REASON_MAX_AGE: _ClassVar[ClosingReason]
    CLOSING_REASON_SLOW_CONSUMER: _ClassVar[ClosingReason]
    CLOSING_REASON_DEADLINE: _ClassVar[ClosingReason]
    CLOSING_REASON_REPLACED: _ClassVar[ClosingReason]
    CLOSING_REASON_CREDENTIAL_EXPIRED: _ClassVar[ClosingReason]
    CLOSING_REASON_LIMIT_REACHED: _ClassVar[ClosingReason]

class ErrorReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ERROR_REASON_UNSPECIFIED: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_CHANNEL: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_EVENT: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_PAYLOAD: _ClassVar[ErrorReason]
    ERROR_REASON_PAYLOAD_TOO_LARGE: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_HEADERS: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_PROFILE: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_SUBSCRIPTION: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_POSITION: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_PAGE_SIZE: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_PAGE_TOKEN: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_REQUEST_ID: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_HEARTBEAT: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_REQUEST: _ClassVar[ErrorReason]
    ERROR_REASON_REQUEST_ID_REUSED: _ClassVar[ErrorReason]
    ERROR_REASON_MEMBER_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_MEMBER_TOKEN_INVALID: _ClassVar[ErrorReason]
    ERROR_REASON_LIMIT_REACHED: _ClassVar[ErrorReason]
    ERROR_REASON_SLOW_CONSUMER: _ClassVar[ErrorReason]
    ERROR_REASON_REPLACED: _ClassVar[ErrorReason]
    ERROR_REASON_OVERLOADED: _ClassVar[ErrorReason]
    ERROR_REASON_DRAINING: _ClassVar[ErrorReason]
    ERROR_REASON_NOT_BUILT: _ClassVar[ErrorReason]
OVERFLOW_POLICY_UNSPECIFIED: OverflowPolicy
OVERFLOW_POLICY_GAP: OverflowPolicy
OVERFLOW_POLICY_END: OverflowPolicy
GAP_REASON_UNSPECIFIED: GapReason
GAP_REASON_OVERFLOW: GapReason
GAP_REASON_EXPIRED: GapReason
GAP_REASON_EPOCH_CHANGED: GapReason
PRESENCE_KIND_UNSPECIFIED: PresenceKind
PRESENCE_KIND_JOINED: PresenceKind
PRESENCE_KIND_LEFT: PresenceKind
PRESENCE_KIND_UPDATED: PresenceKind
CLOSING_REASON_UNSPECIFIED: ClosingReason
CLOSING_REASON_SHUTDOWN: ClosingReason
CLOSING_REASON_MAX_AGE: ClosingReason
CLOSING_REASON_SLOW_CONSUMER: ClosingReason
CLOSING_REASON_DEADLINE: ClosingReason
CLOSING_REASON_REPLACED: ClosingReason
CLOSING_REASON_CREDENTIAL_EXPIRED: ClosingReason
CLOSING_REASON_LIMIT_REACHED: ClosingReason
ERROR_REASON_UNSPECIFIED: ErrorReason
ERROR_REASON_INVALID_CHANNEL: ErrorReason
ERROR_REASON_INVALID_EVENT: ErrorReason
ERROR_REASON_INVALID_PAYLOAD: ErrorReason
ERROR_REASON_PAYLOAD_TOO_LARGE: ErrorReason
ERROR_REASON_INVALID_HEADERS: ErrorReason
ERROR_REASON_INVALID_PROFILE: ErrorReason
ERROR_REASON_INVALID_SUBSCRIPTION: ErrorReason
ERROR_REASON_INVALID_POSITION: ErrorReason
ERROR_REASON_INVALID_PAGE_SIZE: ErrorReason
ERROR_REASON_INVALID_PAGE_TOKEN: ErrorReason
ERROR_REASON_INVALID_REQUEST_ID: ErrorReason
ERROR_REASON_INVALID_HEARTBEAT: ErrorReason
ERROR_REASON_INVALID_REQUEST: ErrorReason
ERROR_REASON_REQUEST_ID_REUSED: ErrorReason
ERROR_REASON_MEMBER_NOT_FOUND: ErrorReason
ERROR_REASON_MEMBER_TOKEN_INVALID: ErrorReason
ERROR_REASON_LIMIT_REACHED: ErrorReason
ERROR_REASON_SLOW_CONSUMER: ErrorReason
ERROR_REASON_REPLACED: ErrorReason
ERROR_REASON_OVERLOADED: ErrorReason
ERROR_REASON_DRAINING: ErrorReason
ERROR_REASON_NOT_BUILT: ErrorReason

class Payload(_message.Message):
    __slots__ = ("json", "text", "binary", "any")
    JSON_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    BINARY_FIELD_NUMBER: _ClassVar[int]
    ANY_FIELD_NUMBER: _ClassVar[int]
    json: _struct_pb2.Value
    text: str
    binary: bytes
    any: _any_pb2.Any
    def __init__(self, json: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., text: _Optional[str] = ..., binary: _Optional[bytes] = ..., any: _Optional[_Union[_any_pb2.Any, _Mapping]] = ...) -> None: ...

class Position(_message.Message):
    __slots__ = ("epoch", "sequence")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    epoch: str
    sequence: int
    def __init__(self, epoch: _Optional[str] = ..., sequence: _Optional[int] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("channel", "name", "payload", "sequence", "publish_time", "sender_id", "headers", "id")
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    PUBLISH_TIME_FIELD_NUMBER: _ClassVar[int]
    SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    channel: str
    name: str
    payload: Payload
    sequence: int
    publish_time: _timestamp_pb2.Timestamp
    sender_id: str
    headers: _containers.ScalarMap[str, str]
    id: str
    def __init__(self, channel: _Optional[str] = ..., name: _Optional[str] = ..., payload: _Optional[_Union[Payload, _Mapping]] = ..., sequence: _Optional[int] = ..., publish_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., sender_id: _Optional[str] = ..., headers: _Optional[_Mapping[str, str]] = ..., id: _Optional[str] = ...) -> None: ...

class Member(_message.Message):
    __slots__ = ("id", "data", "join_time", "subject")
    ID_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    JOIN_TIME_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    id: str
    data: _struct_pb2.Struct
    join_time: _timestamp_pb2.Timestamp
    subject: str
    def __init__(self, id: _Optional[str] = ..., data: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., join_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., subject: _Optional[str] = ...) -> None: ...

class ChannelInfo(_message.Message):
    __slots__ = ("name", "member_count", "last_sequence")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MEMBER_COUNT_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    name: str
    member_count: int
    last_sequence: int
    def __init__(self, name: _Optional[str] = ..., member_count: _Optional[int] = ..., last_sequence: _Optional[int] = ...) -> None: ...

class ErrorStatus(_message.Message):
    __slots__ = ("code", "message", "details")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    code: int
    message: str
    details: _containers.RepeatedCompositeFieldContainer[_any_pb2.Any]
    def __init__(self, code: _Optional[int] = ..., message: _Optional[str] = ..., details: _Optional[_Iterable[_Union[_any_pb2.Any, _Mapping]]] = ...) -> None: ...

class SendRequest(_message.Message):
    __slots__ = ("channel", "event", "payload", "request_id", "sender_id", "headers")
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    channel: str
    event: str
    payload: Payload
    request_id: str
    sender_id: str
    headers: _containers.ScalarMap[str, str]
    def __init__(self, channel: _Optional[str] = ..., event: _Optional[str] = ..., payload: _Optional[_Union[Payload, _Mapping]] = ..., request_id: _Optional[str] = ..., sender_id: _Optional[str] = ..., headers: _Optional[_Mapping[str, str]] = ...) -> None: ...

class SendResponse(_message.Message):
    __slots__ = ("position", "recipients", "duplicate")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    RECIPIENTS_FIELD_NUMBER: _ClassVar[int]
    DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    position: Position
    recipients: int
    duplicate: bool
    def __init__(self, position: _Optional[_Union[Position, _Mapping]] = ..., recipients: _Optional[int] = ..., duplicate: bool = ...) -> None: ...

class BroadcastRequest(_message.Message):
    __slots__ = ("event", "payload", "request_id", "sender_id", "headers")
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    EVENT_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    event: str
    payload: Payload
    request_id: str
    sender_id: str
    headers: _containers.ScalarMap[str, str]
    def __init__(self, event: _Optional[str] = ..., payload: _Optional[_Union[Payload, _Mapping]] = ..., request_id: _Optional[str] = ..., sender_id: _Optional[str] = ..., headers: _Optional[_Mapping[str, str]] = ...) -> None: ...

class BroadcastResponse(_message.Message):
    __slots__ = ("position", "recipients", "duplicate")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    RECIPIENTS_FIELD_NUMBER: _ClassVar[int]
    DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    position: Position
    recipients: int
    duplicate: bool
    def __init__(self, position: _Optional[_Union[Position, _Mapping]] = ..., recipients: _Optional[int] = ..., duplicate: bool = ...) -> None: ...

class GetMembersRequest(_message.Message):
    __slots__ = ("channel", "page_size", "page_token")
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    channel: str
    page_size: int
    page_token: str
    def __init__(self, channel: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class GetMembersResponse(_message.Message):
    __slots__ = ("members", "next_page_token", "total_size")
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    members: _containers.RepeatedCompositeFieldContainer[Member]
    next_page_token: str
    total_size: int
    def __init__(self, members: _Optional[_Iterable[_Union[Member, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_size: _Optional[int] = ...) -> None: ...

class SubscribeRequest(_message.Message):
    __slots__ = ("subscriptions", "data", "resume", "since", "last", "heartbeat_interval", "broadcasts", "member_token")
    SUBSCRIPTIONS_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    BROADCASTS_FIELD_NUMBER: _ClassVar[int]
    MEMBER_TOKEN_FIELD_NUMBER: _ClassVar[int]
    subscriptions: _containers.RepeatedCompositeFieldContainer[Subscription]
    data: _struct_pb2.Struct
    resume: Position
    since: _timestamp_pb2.Timestamp
    last: int
    heartbeat_interval: _duration_pb2.Duration
    broadcasts: BroadcastSubscription
    member_token: str
    def __init__(self, subscriptions: _Optional[_Iterable[_Union[Subscription, _Mapping]]] = ..., data: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., resume: _Optional[_Union[Position, _Mapping]] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last: _Optional[int] = ..., heartbeat_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., broadcasts: _Optional[_Union[BroadcastSubscription, _Mapping]] = ..., member_token: _Optional[str] = ...) -> None: ...

class Subscription(_message.Message):
    __slots__ = ("channel", "events", "presence", "echo", "overflow", "observe")
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_FIELD_NUMBER: _ClassVar[int]
    ECHO_FIELD_NUMBER: _ClassVar[int]
    OVERFLOW_FIELD_NUMBER: _ClassVar[int]
    OBSERVE_FIELD_NUMBER: _ClassVar[int]
    channel: str
    events: _containers.RepeatedScalarFieldContainer[str]
    presence: bool
    echo: bool
    overflow: OverflowPolicy
    observe: bool
    def __init__(self, channel: _Optional[str] = ..., events: _Optional[_Iterable[str]] = ..., presence: bool = ..., echo: bool = ..., overflow: _Optional[_Union[OverflowPolicy, str]] = ..., observe: bool = ...) -> None: ...

class BroadcastSubscription(_message.Message):
    __slots__ = ("events", "echo", "disabled")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    ECHO_FIELD_NUMBER: _ClassVar[int]
    DISABLED_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedScalarFieldContainer[str]
    echo: bool
    disabled: bool
    def __init__(self, events: _Optional[_Iterable[str]] = ..., echo: bool = ..., disabled: bool = ...) -> None: ...

class SubscribeResponse(_message.Message):
    __slots__ = ("ready", "event", "gap", "presence", "heartbeat", "closing", "members")
    READY_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    GAP_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    CLOSING_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    ready: Ready
    event: Event
    gap: Gap
    presence: Presence
    heartbeat: Heartbeat
    closing: Closing
    members: MembersSnapshot
    def __init__(self, ready: _Optional[_Union[Ready, _Mapping]] = ..., event: _Optional[_Union[Event, _Mapping]] = ..., gap: _Optional[_Union[Gap, _Mapping]] = ..., presence: _Optional[_Union[Presence, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ..., closing: _Optional[_Union[Closing, _Mapping]] = ..., members: _Optional[_Union[MembersSnapshot, _Mapping]] = ...) -> None: ...

class Ready(_message.Message):
    __slots__ = ("member_id", "member_token", "position", "recovered", "heartbeat_interval")
    MEMBER_ID_FIELD_NUMBER: _ClassVar[int]
    MEMBER_TOKEN_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    RECOVERED_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    member_id: str
    member_token: str
    position: Position
    recovered: bool
    heartbeat_interval: _duration_pb2.Duration
    def __init__(self, member_id: _Optional[str] = ..., member_token: _Optional[str] = ..., position: _Optional[_Union[Position, _Mapping]] = ..., recovered: bool = ..., heartbeat_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Gap(_message.Message):
    __slots__ = ("channel", "after", "through", "reason", "epoch")
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    THROUGH_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    channel: str
    after: int
    through: int
    reason: GapReason
    epoch: str
    def __init__(self, channel: _Optional[str] = ..., after: _Optional[int] = ..., through: _Optional[int] = ..., reason: _Optional[_Union[GapReason, str]] = ..., epoch: _Optional[str] = ...) -> None: ...

class Presence(_message.Message):
    __slots__ = ("channel", "kind", "member", "sequence")
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    channel: str
    kind: PresenceKind
    member: Member
    sequence: int
    def __init__(self, channel: _Optional[str] = ..., kind: _Optional[_Union[PresenceKind, str]] = ..., member: _Optional[_Union[Member, _Mapping]] = ..., sequence: _Optional[int] = ...) -> None: ...

class MembersSnapshot(_message.Message):
    __slots__ = ("channel", "members", "sequence", "last")
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    channel: str
    members: _containers.RepeatedCompositeFieldContainer[Member]
    sequence: int
    last: bool
    def __init__(self, channel: _Optional[str] = ..., members: _Optional[_Iterable[_Union[Member, _Mapping]]] = ..., sequence: _Optional[int] = ..., last: bool = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ("position", "time")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    position: Position
    time: _timestamp_pb2.Timestamp
    def __init__(self, position: _Optional[_Union[Position, _Mapping]] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Closing(_message.Message):
    __slots__ = ("reason", "retry_after")
    REASON_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_FIELD_NUMBER: _ClassVar[int]
    reason: ClosingReason
    retry_after: _duration_pb2.Duration
    def __init__(self, reason: _Optional[_Union[ClosingReason, str]] = ..., retry_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class UpdateMemberRequest(_message.Message):
    __slots__ = ("member_id", "data", "merge", "member_token")
    MEMBER_ID_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    MERGE_FIELD_NUMBER: _ClassVar[int]
    MEMBER_TOKEN_FIELD_NUMBER: _ClassVar[int]
    member_id: str
    data: _struct_pb2.Struct
    merge: bool
    member_token: str
    def __init__(self, member_id: _Optional[str] = ..., data: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., merge: bool = ..., member_token: _Optional[str] = ...) -> None: ...

class UpdateMemberResponse(_message.Message):
    __slots__ = ("member",)
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    member: Member
    def __init__(self, member: _Optional[_Union[Member, _Mapping]] = ...) -> None: ...

class GetHistoryRequest(_message.Message):
    __slots__ = ("channel", "page_size", "page_token", "after", "before", "descending")
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    DESCENDING_FIELD_NUMBER: _ClassVar[int]
    channel: str
    page_size: int
    page_token: str
    after: Position
    before: Position
    descending: bool
    def __init__(self, channel: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., after: _Optional[_Union[Position, _Mapping]] = ..., before: _Optional[_Union[Position, _Mapping]] = ..., descending: bool = ...) -> None: ...

class GetHistoryResponse(_message.Message):
    __slots__ = ("events", "next_page_token", "position", "oldest", "gap")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    OLDEST_FIELD_NUMBER: _ClassVar[int]
    GAP_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[Event]
    next_page_token: str
    position: Position
    oldest: Position
    gap: Gap
    def __init__(self, events: _Optional[_Iterable[_Union[Event, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., position: _Optional[_Union[Position, _Mapping]] = ..., oldest: _Optional[_Union[Position, _Mapping]] = ..., gap: _Optional[_Union[Gap, _Mapping]] = ...) -> None: ...

class ListChannelsRequest(_message.Message):
    __slots__ = ("pattern", "page_size", "page_token")
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    pattern: str
    page_size: int
    page_token: str
    def __init__(self, pattern: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListChannelsResponse(_message.Message):
    __slots__ = ("channels", "next_page_token")
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    channels: _containers.RepeatedCompositeFieldContainer[ChannelInfo]
    next_page_token: str
    def __init__(self, channels: _Optional[_Iterable[_Union[ChannelInfo, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class SendBatchRequest(_message.Message):
    __slots__ = ("requests",)
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[SendRequest]
    def __init__(self, requests: _Optional[_Iterable[_Union[SendRequest, _Mapping]]] = ...) -> None: ...

class SendBatchResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[SendBatchResult]
    def __init__(self, results: _Optional[_Iterable[_Union[SendBatchResult, _Mapping]]] = ...) -> None: ...

class SendBatchResult(_message.Message):
    __slots__ = ("response", "error")
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    response: SendResponse
    error: ErrorStatus
    def __init__(self, response: _Optional[_Union[SendResponse, _Mapping]] = ..., error: _Optional[_Union[ErrorStatus, _Mapping]] = ...) -> None: ...

class SessionRequest(_message.Message):
    __slots__ = ("id", "subscribe", "unsubscribe", "update", "send", "broadcast")
    ID_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIBE_FIELD_NUMBER: _ClassVar[int]
    UNSUBSCRIBE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_FIELD_NUMBER: _ClassVar[int]
    SEND_FIELD_NUMBER: _ClassVar[int]
    BROADCAST_FIELD_NUMBER: _ClassVar[int]
    id: int
    subscribe: SubscribeRequest
    unsubscribe: Unsubscribe
    update: UpdateProfile
    send: SendRequest
    broadcast: BroadcastRequest
    def __init__(self, id: _Optional[int] = ..., subscribe: _Optional[_Union[SubscribeRequest, _Mapping]] = ..., unsubscribe: _Optional[_Union[Unsubscribe, _Mapping]] = ..., update: _Optional[_Union[UpdateProfile, _Mapping]] = ..., send: _Optional[_Union[SendRequest, _Mapping]] = ..., broadcast: _Optional[_Union[BroadcastRequest, _Mapping]] = ...) -> None: ...

class Unsubscribe(_message.Message):
    __slots__ = ("channels",)
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    channels: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, channels: _Optional[_Iterable[str]] = ...) -> None: ...

class UpdateProfile(_message.Message):
    __slots__ = ("data", "merge")
    DATA_FIELD_NUMBER: _ClassVar[int]
    MERGE_FIELD_NUMBER: _ClassVar[int]
    data: _struct_pb2.Struct
    merge: bool
    def __init__(self, data: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., merge: bool = ...) -> None: ...

class SessionResponse(_message.Message):
    __slots__ = ("event", "gap", "presence", "heartbeat", "closing", "members", "reply")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    GAP_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    CLOSING_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    REPLY_FIELD_NUMBER: _ClassVar[int]
    event: Event
    gap: Gap
    presence: Presence
    heartbeat: Heartbeat
    closing: Closing
    members: MembersSnapshot
    reply: Reply
    def __init__(self, event: _Optional[_Union[Event, _Mapping]] = ..., gap: _Optional[_Union[Gap, _Mapping]] = ..., presence: _Optional[_Union[Presence, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ..., closing: _Optional[_Union[Closing, _Mapping]] = ..., members: _Optional[_Union[MembersSnapshot, _Mapping]] = ..., reply: _Optional[_Union[Reply, _Mapping]] = ...) -> None: ...

class Reply(_message.Message):
    __slots__ = ("id", "error", "ready", "send", "broadcast", "done")
    ID_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    SEND_FIELD_NUMBER: _ClassVar[int]
    BROADCAST_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    id: int
    error: ErrorStatus
    ready: Ready
    send: SendResponse
    broadcast: BroadcastResponse
    done: Done
    def __init__(self, id: _Optional[int] = ..., error: _Optional[_Union[ErrorStatus, _Mapping]] = ..., ready: _Optional[_Union[Ready, _Mapping]] = ..., send: _Optional[_Union[SendResponse, _Mapping]] = ..., broadcast: _Optional[_Union[BroadcastResponse, _Mapping]] = ..., done: _Optional[_Union[Done, _Mapping]] = ...) -> None: ...

class Done(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
