"""The server's own settings, from the environment and the data folder. The only reader of the environment."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

import msgspec

from bot.notify import key_of
from bot.repository_settings import OperatorSettings, Problem, read_operator

GITHUB_URL = "https://github.com"
# Where a server's own page (`webhooks/how.py`) is out of people's reach.
HOW_URL = "https://github.com/mergecost/mergecost#how-it-is-counted"
# https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
_SHORTEST_SECRET_BYTES = 24


class SettingsError(Exception):
    """A setting is wrong. The message says which one and how to fix it."""


class AppCredentials(msgspec.Struct, frozen=True, kw_only=True):
    """The GitHub App that this server is. None of these has a default."""

    app_id: int
    slug: str
    private_key: str
    webhook_secret: str

    def __repr__(self) -> str:
        return f"AppCredentials(app_id={self.app_id}, slug={self.slug!r}, ...)"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`github_url` is the site that people see, `api_url` its REST API; both differ for GitHub Enterprise Server."""

    data_dir: Path
    database_url: str
    public_url: str
    github_url: str = GITHUB_URL
    api_url: str = "https://api.github.com"
    repository_settings: Path | None = None

    @property
    def how_url(self) -> str:
        """Where people read how figures are counted: a page of this server, unless it only answers on its own machine."""
        return f"{self.public_url}/how" if self.public_url.startswith("https://") else HOW_URL

    @property
    def github_host(self) -> str:
        return self.github_url.split("://", 1)[1].split("/", 1)[0]


def from_environment(environ: Mapping[str, str] = os.environ, public_url: str = "http://127.0.0.1:8000") -> Settings:
    """Read MERGECOST_DATA, MERGECOST_DATABASE_URL, MERGECOST_PUBLIC_URL, MERGECOST_GITHUB_URL, MERGECOST_SETTINGS."""
    data_dir = Path(environ.get("MERGECOST_DATA") or _data_home(environ) / "mergecost").absolute()
    github_url = environ.get("MERGECOST_GITHUB_URL", GITHUB_URL).rstrip("/")
    if not github_url.startswith(("https://", "http://")):
        raise SettingsError(f"MERGECOST_GITHUB_URL must start with https://, it is {github_url!r}")
    own_url = environ.get("MERGECOST_PUBLIC_URL", public_url).rstrip("/")
    if not own_url.startswith(("https://", "http://")):
        raise SettingsError(f"MERGECOST_PUBLIC_URL must start with https://, it is {own_url!r}")
    toml = Path(environ.get("MERGECOST_SETTINGS") or data_dir / "mergecost.toml")
    if "MERGECOST_SETTINGS" in environ and not toml.is_file():
        raise SettingsError(f"MERGECOST_SETTINGS names {toml}, which is not a file")
    return Settings(
        data_dir=data_dir,
        database_url=environ.get("MERGECOST_DATABASE_URL") or f"sqlite:///{data_dir / 'mergecost.db'}",
        public_url=own_url,
        github_url=github_url,
        api_url="https://api.github.com" if github_url == GITHUB_URL else f"{github_url}/api/v3",
        repository_settings=toml if toml.is_file() else None,
    )


def _data_home(environ: Mapping[str, str]) -> Path:
    """Where programs keep data of this user, wherever they are started: https://specifications.freedesktop.org/basedir-spec"""
    named = Path(environ.get("XDG_DATA_HOME", ""))
    return named if named.is_absolute() else Path.home() / ".local" / "share"


def app_credentials(settings: Settings, environ: Mapping[str, str] = os.environ) -> AppCredentials | None:
    """The App from the environment (all of it or nothing), else from what the set-up page stored, else None."""
    names = ("MERGECOST_APP_ID", "MERGECOST_APP_SLUG", "MERGECOST_PRIVATE_KEY", "MERGECOST_WEBHOOK_SECRET")
    present = [name for name in names if environ.get(name)]
    if not present:
        return _stored_credentials(settings)
    if missing := [name for name in names if name not in present]:
        raise SettingsError(f"{', '.join(present)} is set, but not {', '.join(missing)}: set all four, or none")
    if not environ["MERGECOST_APP_ID"].isdecimal():
        raise SettingsError("MERGECOST_APP_ID must be the App's number, as its settings page on GitHub shows it")
    key = environ["MERGECOST_PRIVATE_KEY"]
    if not key.lstrip().startswith("-----BEGIN"):
        try:
            key = Path(key).read_text()
        except OSError as error:
            raise SettingsError(
                f"MERGECOST_PRIVATE_KEY is neither a key nor a file that can be read: {error}"
            ) from None
    return AppCredentials(
        app_id=int(environ["MERGECOST_APP_ID"]),
        slug=environ["MERGECOST_APP_SLUG"],
        private_key=key.replace("\\n", "\n"),
        webhook_secret=environ["MERGECOST_WEBHOOK_SECRET"],
    )


def store_app_credentials(settings: Settings, credentials: AppCredentials) -> None:
    """Keep the App's secrets in the data folder, readable by this user alone."""
    write_private(settings.data_dir / "app.json", json.dumps(msgspec.to_builtins(credentials), indent=1))


def setup_secret(settings: Settings) -> str:
    """The secret of the set-up link: made at the first start, the same over restarts, gone once the App exists."""
    path = settings.data_dir / "setup-secret"
    if (
        not path.exists() or len(path.read_text()) < _SHORTEST_SECRET_BYTES
    ):  # an empty one would open the page to everybody
        write_private(path, secrets.token_urlsafe(32))
    make_private(path)
    return path.read_text()


def forget_setup_secret(settings: Settings) -> None:
    (settings.data_dir / "setup-secret").unlink(missing_ok=True)


def write_private(path: Path, text: str) -> None:
    """Write a file that was never readable by others, not even for a moment, and never half-written."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    temporary.replace(path)


def make_private(path: Path) -> None:
    """Take a file or folder from all other users, whoever made it first. Raises `SettingsError` if it belongs to one of them."""
    mode = path.stat().st_mode
    if mode & 0o077:
        try:
            path.chmod(mode & 0o700)
        except PermissionError:
            raise SettingsError(
                f"{path} is open to other users and belongs to one: chown it to this server's user"
            ) from None


def _stored_credentials(settings: Settings) -> AppCredentials | None:
    path = settings.data_dir / "app.json"
    if not path.exists():
        return None
    make_private(path)
    return msgspec.json.decode(path.read_bytes(), type=AppCredentials)


def operator_settings(settings: Settings) -> OperatorSettings:
    """What the operator decided for repositories. Raises `SettingsError` with the line that is wrong."""
    if settings.repository_settings is None:
        return OperatorSettings()
    read = read_operator(settings.repository_settings.read_text(), str(settings.repository_settings))
    if isinstance(read, Problem):
        raise SettingsError(str(read))
    return read


def alert_secret(operator: OperatorSettings, environ: Mapping[str, str] = os.environ) -> str:
    """What signs notices to the outside: MERGECOST_ALERT_SECRET, needed as soon as there is an `alert_url`."""
    secret = environ.get("MERGECOST_ALERT_SECRET", "")
    is_needed = any("alert_url" in values for values in (operator.defaults, *operator.repository.values()))
    if not secret and not is_needed:
        return ""
    make = 'MERGECOST_ALERT_SECRET="whsec_$(openssl rand -base64 32)"'
    if not secret:
        raise SettingsError(f"alert_url is set, but not what signs the notices to it: make a secret with {make}")
    try:
        is_long = len(key_of(secret)) >= _SHORTEST_SECRET_BYTES
    except ValueError:
        is_long = False
    if not is_long:
        raise SettingsError(f"MERGECOST_ALERT_SECRET must be whsec_ and at least 24 random bytes in base64: {make}")
    return secret
