"""What a tool sends of itself by OpenTelemetry, without the wire: https://opentelemetry.io/docs/specs/otel/logs/data-model/"""

from collections.abc import Mapping
from datetime import datetime

import msgspec

Value = str | int | float | bool


class LogRecord(msgspec.Struct, frozen=True, gc=False):
    """One event. `attributes` are the record's and its resource's, the record's own first; only what is asked for need be there."""

    event: str
    at: datetime
    attributes: Mapping[str, Value]


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """Why a record that says what a request used is not taken."""

    reason: str
