"""Whether Codex runs our hooks: it skips those that a person has not trusted, without a word. `codex exec` cannot even ask.

Its `config.toml` holds a digest of each hook as it was when it was trusted: https://developers.openai.com/codex/hooks and
https://github.com/openai/codex/pull/20321. Trust is a person's to give, so nothing is written here.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from collector.files import read_bytes

HOW = "start `codex` once and trust the hooks that it asks about, or type /hooks there; `codex exec` runs none before"


def untrusted_events(hooks_file: Path, ours: Sequence[str]) -> list[str]:
    """The events whose hooks Codex skips, of those that name one of the paths `ours`; all where its files cannot be read."""
    try:
        hooks = json.loads(read_bytes(hooks_file))["hooks"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    trusted = _trusted(hooks_file.parent / "config.toml")
    # With CODEX_HOME the key holds the real path, else the path as it is.
    files = {str(hooks_file), str(hooks_file.resolve())}
    return sorted(
        {
            event
            for event, place, handler in _handlers(hooks)
            if any(path in str(handler.get("command")) for path in ours)
            and not any(trusted.get(f"{file}:{place}") == _digest(event, handler) for file in files)
        }
    )


def _handlers(hooks: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Event, place as in Codex' keys, and handler."""
    for event, groups in hooks.items():
        for group_number, group in enumerate(groups):
            for number, handler in enumerate(group.get("hooks", ())):
                yield event, f"{_snake(event)}:{group_number}:{number}", handler


def _trusted(config: Path) -> dict[str, str]:
    """The digests in `[hooks.state]` by key, without hooks that are switched off."""
    try:
        state = tomllib.loads(read_bytes(config).decode())["hooks"]["state"]
        return {key: entry.get("trusted_hash", "") for key, entry in state.items() if entry.get("enabled", True)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _digest(event: str, handler: dict[str, Any]) -> str:
    """Of the hook as Codex normalizes it. Ours have neither matcher nor status message."""
    normalized = {"type": "command", "command": handler["command"], "timeout": handler.get("timeout"), "async": False}
    identity = {"event_name": _snake(event), "hooks": [normalized]}
    text = json.dumps(identity, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _snake(event: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", event).lower()
