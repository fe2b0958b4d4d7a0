"""What the server does, a line an event: text where people read it, JSON where programs do; and the same events counted.

    journal.note("comment written", repository="acme/widgets", number=12)

https://prometheus.io/docs/practices/naming/
"""

import logging
import re
import sys
from datetime import UTC, datetime
from typing import IO, Any

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge

REGISTRY = CollectorRegistry()
_EVENTS = Counter("mergecost_events", "What the server did, by event.", ["event"], registry=REGISTRY)
_LINES = Counter("mergecost_log_lines", "Lines in the log, by level.", ["level"], registry=REGISTRY)
_REQUESTS = Counter(
    "mergecost_github_requests", "Requests to GitHub, by method and status.", ["method", "status"], registry=REGISTRY
)
_LEFT = Gauge(
    "mergecost_github_requests_left",
    "Requests that GitHub allows until its limit is reset, as the newest answer to an installation says.",
    ["installation_id"],
    registry=REGISTRY,
)
# What others made chatty.
_QUIET = ("httpx", "alembic", "apscheduler")
_log = logging.getLogger("mergecost")
_PLAIN = re.compile(r"[\w./:#@\[\]-]+")


def note(event: str, **facts: object) -> None:
    """Facts are names, numbers and ids; never a secret, and nothing that people or models wrote."""
    _EVENTS.labels(event.replace(" ", "_")).inc()
    _log.info(event, extra={"facts": facts})


def note_answer(method: str, status: int, installation_id: int | None, requests_left: str) -> None:
    """An answer of GitHub: counted, without a line."""
    _REQUESTS.labels(method, str(status)).inc()
    if installation_id is not None and requests_left.isdecimal():
        _LEFT.labels(str(installation_id)).set(int(requests_left))


def configure(stream: IO[str] = sys.stderr) -> None:
    """Lines of this process go to `stream`: as text if that is a terminal, else as JSON."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Text() if stream.isatty() else _Json())
    handler.addFilter(_count)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _count(record: logging.LogRecord) -> bool:
    _LINES.labels(record.levelname.lower()).inc()
    return True


class _Text(logging.Formatter):
    """`09:12:31 comment written repository=acme/widgets number=12`"""

    def format(self, record: logging.LogRecord) -> str:
        words = [f"{datetime.fromtimestamp(record.created).astimezone():%H:%M:%S}"]
        words += [record.levelname.lower()] if record.levelno > logging.INFO else []
        words.append(record.getMessage())
        words += [f"{name}={_word(value)}" for name, value in getattr(record, "facts", {}).items()]
        trace = self.formatException(record.exc_info) if record.exc_info else ""
        return " ".join(words) + (f"\n{trace}" if trace else "")


def _word(value: object) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) else repr(text)


class _Json(logging.Formatter):
    """One object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.name != _log.name:
            line["logger"] = record.name
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()
