"""Instants as protobuf has them."""

from __future__ import annotations

from datetime import datetime
from typing import overload

from google.protobuf.timestamp_pb2 import Timestamp


@overload
def to_timestamp(at: datetime) -> Timestamp: ...
@overload
def to_timestamp(at: None) -> None: ...
@overload
def to_timestamp(at: datetime | None) -> Timestamp | None: ...
def to_timestamp(at: datetime | None) -> Timestamp | None:
    """The same instant to the microsecond, whatever zone ``at`` is in; None stays None, which leaves a field unset."""
    if at is None:
        return None
    made = Timestamp()
    made.FromDatetime(at)
    return made
