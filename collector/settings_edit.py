"""The address and the tokens in the configuration file: a login writes them, a logout takes them out. All else stays as it is."""

import json
from collections.abc import Sequence
from pathlib import Path

from collector.files import private_folder, read_bytes, write_bytes
from collector.settings import File, SettingsError, parse, read_file

_OURS = ("url", "token")


def write(path: Path, url: str, tokens: Sequence[str]) -> None:
    """For this user alone. Raises SettingsError where the file is laid out so that it cannot be changed, or not be written."""
    token = tokens[0] if len(tokens) == 1 else list(tokens)
    # A JSON text of ASCII is a TOML text.
    _change(path, f"url = {json.dumps(url)}\ntoken = {json.dumps(token)}\n", url, token)


def remove(path: Path) -> None:
    """The same without an address and tokens; without the file, where nothing else stood in it. Raises SettingsError."""
    _change(path, "", "", "")


def _change(path: Path, lines: str, url: str, token: str | list[str]) -> None:
    before = read_file(path)  # as it is now, or why it cannot be used
    target = path.resolve()  # some people keep their settings in a repository
    try:
        text = lines + _others(read_bytes(target).decode() if target.exists() else "")
        if _meaning(text) != File(url, token, before.paths, before.guard):
            raise SettingsError(
                f"{path} is laid out in its own way: put these lines in place of its url and token:\n{lines}"
            )
        private_folder(target.parent)
        if text.strip():
            write_bytes(target, text.encode())
        else:
            target.unlink(missing_ok=True)
    except OSError as error:
        raise SettingsError(f"cannot write {path}: {error}") from error


def _others(text: str) -> str:
    """Without the lines that set the address and the token, which stand before the first table."""
    top, bracket, tables = text.partition("\n[") if not text.startswith("[") else ("", "", text)
    others = [line for line in top.splitlines(keepends=True) if line.partition("=")[0].strip() not in _OURS]
    return "".join(others) + bracket + tables


def _meaning(text: str) -> File | None:
    try:
        return parse(text)
    except (ValueError, RecursionError):
        return None
