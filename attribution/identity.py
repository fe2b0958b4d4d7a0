"""Digests of people and commits: collector and server can compare them without the e-mail address."""

import hashlib
from datetime import datetime


def author(email: str) -> str:
    """A person's commits, without the address: 16 hex digits for an e-mail."""
    return _digest(email.strip().lower())


def authorship(email: str, authored_at: datetime) -> str:
    """A commit whose id may change: amend and rebase keep author e-mail and author date (whole seconds)."""
    return _digest(f"{email.strip().lower()}\n{int(authored_at.timestamp())}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
