"""The settings of this machine: the server, the token, and the caps of the guard."""

import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from collector.files import read_bytes

_MOST_USD = 10**9


class SettingsError(Exception):
    """What is missing or wrong, and what to do about it."""


class Settings(msgspec.Struct, frozen=True):
    """`url` of the server without a slash at its end; `token` identifies a person there. Without `paths` no path of a file is sent:
    then work that was committed by hand is attributed by branch alone. `remark` is what to say to the person, if anything."""

    url: str
    token: str
    paths: bool = True
    remark: str = ""


class Caps(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[guard]` of the file: the caps in dollars at list price. None is no cap."""

    session_usd: Decimal | None = None
    day_usd: Decimal | None = None
    pull_usd: Decimal | None = None

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            amount = getattr(self, name)
            if amount is not None and not 0 < amount < _MOST_USD:
                raise ValueError(f"`{name}` is an amount of dollars over 0")


class _File(msgspec.Struct, forbid_unknown_fields=True):
    url: str = ""
    token: str = ""
    paths: bool | Literal["on", "off"] = True
    guard: Caps = Caps()


def config_file(env: Mapping[str, str]) -> Path:
    """https://specifications.freedesktop.org/basedir-spec/latest/"""
    return _base(env, "XDG_CONFIG_HOME", ".config") / "config.toml"


def state_file(env: Mapping[str, str]) -> Path:
    """The file of what has been sent; MERGECOST_STATE names another one."""
    path = env.get("MERGECOST_STATE")
    return Path(path) if path else _base(env, "XDG_STATE_HOME", ".local/state") / "state.db"


def index_file(env: Mapping[str, str]) -> Path:
    """The file of what was read from each log, in the folder of `state_file`."""
    return state_file(env).with_name("index.db")


def read_settings(env: Mapping[str, str], url: str | None, *, needs_server: bool = True) -> Settings:
    """The server from the option `url`, else MERGECOST_URL, else the file; the token from MERGECOST_TOKEN, else the file. With
    `needs_server` false, `url` is empty if one of them is missing.

    A token is sent to the address alone that it was made for. That of the file is for the address in the file: a project's
    settings may set MERGECOST_URL. Raises SettingsError."""
    path = config_file(env)
    file = _read(path)
    url = url or env.get("MERGECOST_URL") or file.url
    own_token = env.get("MERGECOST_TOKEN")
    token = own_token or file.token
    if not needs_server and not (url and token):
        return Settings(url="", token="", paths=_paths(env, file))
    if not url:
        raise SettingsError(f'which server? Set MERGECOST_URL, or write url = "https://..." in {path}')
    if not token:
        raise SettingsError(f'no token: make one on {url}, then set MERGECOST_TOKEN, or write token = "..." in {path}')
    if not token.isascii() or not token.isprintable() or " " in token:
        raise SettingsError("the token has characters that no token has: copy it again")
    url = _check_url(url)
    if own_token:
        return Settings(url, token, _paths(env, file))
    if not file.url or _check_url(file.url) != url:
        its_address = f"is for {file.url}" if file.url else "has no url beside it"
        raise SettingsError(
            f"the token in {path} {its_address}, so it is not sent to {url}. If that is your server, set MERGECOST_TOKEN to a "
            f"token of it, or write both url and token in the file; if not, unset MERGECOST_URL"
        )
    return Settings(url, token, _paths(env, file), _exposure(path))


def read_caps(env: Mapping[str, str]) -> Caps:
    """This machine's own caps. Raises SettingsError."""
    return _read(config_file(env)).guard


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine."""
    from ipaddress import ip_address  # noqa: PLC0415

    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _exposure(path: Path) -> str:
    """What to say where others can read the token; empty if nobody can."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return ""
    return f"others on this machine can read your token: chmod 600 {path.resolve()}" if mode & 0o077 else ""


def _paths(env: Mapping[str, str], file: _File) -> bool:
    paths = env.get("MERGECOST_PATHS", "") or file.paths
    if paths not in (True, False, "on", "off"):
        raise SettingsError(f"MERGECOST_PATHS is on or off, not {paths!r}")
    return paths in (True, "on")


def _check_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise SettingsError(f"{url!r} is not the address of a server: {error}") from error
    host = parts.hostname or ""
    if not url.isascii() or not url.isprintable() or set(url) & set(" @\\?#"):
        raise SettingsError(f"{url!r} is not the address of a server: it has characters that no address has")
    if parts.scheme not in ("http", "https") or not host:
        raise SettingsError(f"{url!r} is not the address of a server, which starts with https://")
    if parts.scheme == "http" and not is_loopback(host):
        raise SettingsError(f"{url} would send your token in the clear: use https://{host}")
    return url.rstrip("/")


def _base(env: Mapping[str, str], variable: str, default: str) -> Path:
    path = Path(env.get(variable, ""))
    # The specification: relative paths are ignored.
    return (path if path.is_absolute() else Path.home() / default) / "mergecost"


def _read(path: Path) -> _File:
    import tomllib  # noqa: PLC0415

    try:
        text = read_bytes(path).decode()
        if path.stat().st_uid not in (0, os.geteuid()):
            raise SettingsError(f"cannot use {path}: it is another user's")
        return msgspec.convert(tomllib.loads(text, parse_float=Decimal), _File)
    except FileNotFoundError:
        return _File()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError) as error:
        raise SettingsError(f"cannot use {path}: {error}") from error
