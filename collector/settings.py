"""The settings of this machine: the server, the tokens, and the caps of the guard."""

import os
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from collector.base_folders import base_folder, state_folder
from collector.files import read_bytes

_MOST_USD = 10**9


class SettingsError(Exception):
    """What is missing or wrong, and what to do about it."""


class Settings(msgspec.Struct, frozen=True):
    """`url` of the server without a slash at its end; `token` identifies a person there to one account, and `more` tokens to
    others. Without `paths` no path of a file is sent: then work that was committed by hand is attributed by branch alone.
    `remark` is what to say to the person, if anything."""

    url: str
    token: str
    paths: bool = True
    remark: str = ""
    more: tuple[str, ...] = ()

    @property
    def accounts(self) -> "list[Settings]":
        """The same settings for each account, with the one token of it."""
        return [msgspec.structs.replace(self, token=token, more=()) for token in (self.token, *self.more)]


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


class File(msgspec.Struct, forbid_unknown_fields=True):
    """What may stand in the file. Several tokens are of as many accounts."""

    url: str = ""
    token: str | list[str] = ""
    paths: bool | Literal["on", "off"] = True
    guard: Caps = Caps()

    @property
    def tokens(self) -> list[str]:
        tokens = self.token if isinstance(self.token, list) else [self.token]
        return [token for token in tokens if token]


def config_file(env: Mapping[str, str]) -> Path:
    place = ("APPDATA", "AppData/Roaming") if sys.platform == "win32" else ("XDG_CONFIG_HOME", ".config")
    return Path(base_folder(env, *place), "config.toml")


def state_file(env: Mapping[str, str]) -> Path:
    """The file of what has been sent; MERGECOST_STATE names another one."""
    path = env.get("MERGECOST_STATE")
    return Path(path or Path(state_folder(env), "state.db"))


def index_file(env: Mapping[str, str]) -> Path:
    """The file of what was read from each log, in the folder of `state_file`."""
    return state_file(env).with_name("index.db")


def read_settings(env: Mapping[str, str], url: str | None, *, needs_server: bool = True) -> Settings:
    """The server from the option `url`, else MERGECOST_URL, else the file; the token from MERGECOST_TOKEN, else the file. With
    `needs_server` false, `url` is empty if one of them is missing.

    A token is sent to the address alone that it was made for. That of the file is for the address in the file: a project's
    settings may set MERGECOST_URL. Raises SettingsError."""
    path = config_file(env)
    file = read_file(path)
    url = url or env.get("MERGECOST_URL") or file.url
    own_token = env.get("MERGECOST_TOKEN")
    tokens = [own_token] if own_token else file.tokens
    if not needs_server and not (url and tokens):
        return Settings(url="", token="", paths=_paths(env, file))
    if not url:
        raise SettingsError(
            f"which server? Run `mergecost login` with its address, or set MERGECOST_URL and MERGECOST_TOKEN; {path} has none"
        )
    if not tokens:
        raise SettingsError(f"no token: run `mergecost login {url}`, or set MERGECOST_TOKEN; {path} has none")
    for token in tokens:
        check_token(token)
    url = check_url(url)
    if own_token:
        return Settings(url, own_token, _paths(env, file))
    if not file.url or check_url(file.url) != url:
        its_address = f"is for {file.url}" if file.url else "has no url beside it"
        raise SettingsError(
            f"the token in {path} {its_address}, so it is not sent to {url}. If that is your server, set MERGECOST_TOKEN to a "
            f"token of it, or run `mergecost login {url}`; if not, unset MERGECOST_URL"
        )
    return Settings(url, tokens[0], _paths(env, file), _exposure(path), tuple(tokens[1:]))


def read_caps(env: Mapping[str, str]) -> Caps:
    """This machine's own caps. Raises SettingsError."""
    return read_file(config_file(env)).guard


def check_token(token: str) -> None:
    """Raises SettingsError for what is no token."""
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise SettingsError("the token has characters that no token has: copy it again")


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


def is_paths_sent(env: Mapping[str, str]) -> bool:
    """Raises SettingsError."""
    return _paths(env, read_file(config_file(env)))


def _paths(env: Mapping[str, str], file: File) -> bool:
    paths = env.get("MERGECOST_PATHS", "") or file.paths
    if paths not in (True, False, "on", "off"):
        raise SettingsError(f"MERGECOST_PATHS is on or off, not {paths!r}")
    return paths in (True, "on")


def check_url(url: str) -> str:
    """Without a slash at its end. Raises SettingsError for what is no address to send a token to."""
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


def read_file(path: Path) -> File:
    """What the file says; nothing where there is none. Raises SettingsError."""
    try:
        text = read_bytes(path).decode()
        if path.stat().st_uid not in (0, os.geteuid()):
            raise SettingsError(f"cannot use {path}: it is another user's")
        return parse(text)
    except FileNotFoundError:
        return File()
    except (OSError, ValueError, RecursionError) as error:
        raise SettingsError(f"cannot use {path}: {error}") from error


def parse(text: str) -> File:
    """Raises ValueError or RecursionError."""
    import tomllib  # noqa: PLC0415

    return msgspec.convert(tomllib.loads(text, parse_float=Decimal), File)
