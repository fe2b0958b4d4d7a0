"""A repository's settings: the operator's `mergecost.toml`, and over it the repository's own `.github/mergecost.yml`.

Bad settings are a value, not a crash: the error quotes the line and says what is allowed, and what held before holds on.
"""

import re
import tomllib
from datetime import timedelta
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import msgspec
import yaml

PATH = ".github/mergecost.yml"


class RepositorySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a repository may decide.

    comment: post the cost on pull requests; comment_on_issues: and on issues when they are closed; comment_on_public: also in
    public repositories; minimum_usd: below this a pull request or issue gets no comment; settle_seconds: wait so long after the
    last news before writing; survival_days: a merge that is not reverted for so long has survived.

    weekly: make an issue about each week; weekly_day: on which day, at six in the morning; weekly_repository: in which
    repository of the installation, where not in its own; weekly_on_public: even if that one is public; time_zone: whose weeks
    and mornings, as the IANA database names it.
    """

    comment: bool = True
    comment_on_issues: bool = True
    comment_on_public: bool = False
    minimum_usd: Decimal = Decimal(0)
    settle_seconds: Annotated[int, msgspec.Meta(ge=0, le=3600)] = 30
    survival_days: Annotated[int, msgspec.Meta(ge=1, le=365)] = 14
    weekly: bool = True
    weekly_day: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = "monday"
    weekly_repository: str = ""
    weekly_on_public: bool = False
    time_zone: str = "UTC"

    def __post_init__(self) -> None:
        # Worded as msgspec words its own.
        if not 0 <= self.minimum_usd < 10**9:
            raise ValueError("Expected `decimal` >= 0 - at `$.minimum_usd`")
        if self.time_zone not in _zones():
            raise ValueError("Expected a time zone such as Europe/Berlin - at `$.time_zone`")
        if self.weekly_repository and not re.fullmatch(r"[\w.-]+/[\w.-]+", self.weekly_repository):
            raise ValueError("Expected `owner/name` - at `$.weekly_repository`")

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def survives_after(self) -> timedelta:
        return timedelta(days=self.survival_days)


class OperatorSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`mergecost.toml`: `[defaults]`, and overrides in `[repository."owner/name"]`."""

    defaults: dict[str, Any] = {}
    repository: dict[str, dict[str, Any]] = {}


class Problem(msgspec.Struct, frozen=True):
    """What is wrong in a settings file, for whoever can mend it. `line` is 1-based, 0 where no single line is to blame."""

    file: str
    line: int
    quote: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}, line {self.line}: `{self.quote}`" if self.line else self.file
        return f"{where}: {self.message}"


def read_operator(text: str, file: str = "mergecost.toml") -> OperatorSettings | Problem:
    """Read and check the operator's file, every section of it."""
    try:
        raw = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        line = int(found[1]) if (found := re.search(r"at line (\d+)", str(error))) else 0
        return _problem(file, text, line, f"not TOML: {str(error).split(' (at')[0].lower()}")
    try:
        settings = msgspec.convert(raw, OperatorSettings)
        for section in (settings.defaults, *settings.repository.values()):
            msgspec.convert(section, RepositorySettings)
    except msgspec.ValidationError as error:
        return _refused(file, text, str(error))
    return settings


def read_repository(text: str, base: dict[str, Any]) -> RepositorySettings | Problem:
    """Read a repository's own file over `base`, the operator's settings for it."""
    try:
        raw = yaml.load(text, _Loader) or {}  # noqa: S506 (a safe loader with exact decimals)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        return _problem(PATH, text, mark.line + 1 if mark else 0, "not YAML")
    if not isinstance(raw, dict):
        return _problem(PATH, text, 1, "must be `name: value` lines")
    try:
        return msgspec.convert(base | raw, RepositorySettings)
    except msgspec.ValidationError as error:
        return _refused(PATH, text, str(error))


def operator_values(settings: OperatorSettings, full_name: str) -> dict[str, Any]:
    """The operator's settings for one repository, whose name is compared as GitHub does: without case."""
    own = next((values for name, values in settings.repository.items() if name.lower() == full_name.lower()), {})
    return settings.defaults | own


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _refused(file: str, text: str, error: str) -> Problem:
    """msgspec's message in our words, with the line that it is about."""
    allowed = ", ".join(field.name for field in msgspec.structs.fields(RepositorySettings))
    if unknown := re.search(r"unknown field `(.+?)`", error):
        return _problem(
            file, text, _line_of(text, unknown[1]), f"there is no setting {unknown[1]!r}; there are: {allowed}"
        )
    name = found[1] if (found := re.search(r"at `\$.*?\.?(\w+)`", error)) else ""
    return _problem(file, text, _line_of(text, name), error.partition(" - at")[0].lower().replace("`", ""))


def _line_of(text: str, name: str) -> int:
    pattern = re.compile(rf"^\s*[\"']?{re.escape(name)}[\"']?\s*[:=]")
    return next((i for i, line in enumerate(text.splitlines(), 1) if pattern.match(line)), 0)


def _problem(file: str, text: str, line: int, message: str) -> Problem:
    lines = text.splitlines()
    quote = lines[line - 1].strip()[:80] if 0 < line <= len(lines) else ""
    return Problem(file, line if quote else 0, quote, message)


class _Loader(yaml.SafeLoader):
    """Plain values only; decimals stay exact."""


def _decimal(_loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Decimal:
    return Decimal(node.value.replace("_", ""))


_Loader.add_constructor("tag:yaml.org,2002:float", _decimal)
