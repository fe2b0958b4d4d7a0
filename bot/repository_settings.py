"""A repository's settings: the operator's `mergecost.toml`, and over it the repository's own `.github/mergecost.yml`.

Wrong settings are a value, not a crash: the problem quotes the line and says what is allowed. In a repository's file each line
stands for itself: beside one that is wrong all others hold, and in its place what the operator says.
"""

import re
import tomllib
from datetime import timedelta
from decimal import Decimal
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from bot import settings_lines
from bot.settings_lines import LinesError, Nested

PATH = ".github/mergecost.yml"

_UNKNOWN_FIELD = re.compile(r"unknown field `([^`]+)`")
_AT_FIELD = re.compile(r"at `\$(?:[^`.]*\.)*+(\w+)`")
_AT_LINE = re.compile(r"at line ([0-9]++)")
_LONGEST_QUOTE = 80
_FULL_NAME = re.compile(r"\A[\w.-]+/[\w.-]+")

_LEAST_USD = Decimal("0.000001")
_MOST_USD = 10**9
_AMOUNTS = (
    "budget_pull_usd", "budget_week_usd", "budget_month_usd", "cap_pull_usd", "cap_session_usd", "cap_day_usd",
)  # fmt: skip
# What only the operator decides: a repository's file can be read, and changed, by many.
_OPERATORS = ("alert_url",)


def _setting(description: str, ge: int | None = None, le: int | None = None) -> msgspec.Meta:
    """What a setting is for, as people and their editors read it."""
    return msgspec.Meta(description=description, ge=ge, le=le)


class RepositorySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a repository may decide. `deploy/mergecost.schema.json` says the same to editors."""

    comment: Annotated[bool, _setting("say on pull requests what they cost")] = True
    comment_on_issues: Annotated[bool, _setting("and on issues when they are closed")] = True
    comment_on_public: Annotated[
        bool, _setting("also in public repositories, which otherwise get a check run alone, without amounts")
    ] = False
    minimum_usd: Annotated[Decimal, _setting("below this a pull request or issue gets no comment")] = Decimal(0)
    settle_seconds: Annotated[int, _setting("wait so long after the last news before writing", ge=0, le=3600)] = 30
    survival_days: Annotated[int, _setting("a merge not reverted for so long has survived", ge=1, le=365)] = 14

    check: Annotated[bool, _setting("have a check run on the head commit of a pull request with AI work")] = True
    check_amounts_on_public: Annotated[bool, _setting("show amounts in the check run even in a public repository")] = (
        False
    )
    enforce: Annotated[bool, _setting("the check run asks for an approval where a pull request is over its budget")] = (
        False
    )
    approvals: Annotated[
        Literal["anyone", "others"],
        _setting(
            "who with write access may approve it: anyone, or only others than who opened the pull request and wrote its commits"
        ),
    ] = "anyone"
    budget_pull_usd: Annotated[Decimal | None, _setting("what one pull request is meant to cost")] = None
    budget_week_usd: Annotated[Decimal | None, _setting("what a week of the repository is meant to cost")] = None
    budget_month_usd: Annotated[Decimal | None, _setting("what a month of the repository is meant to cost")] = None
    alerts: Annotated[bool, _setting("say so when a session burns far more than is usual here")] = True
    alert_url: Annotated[
        str,
        _setting("where notices and alerts are posted besides; set by whoever runs the server, since it is a secret"),
    ] = ""
    cap_pull_usd: Annotated[Decimal | None, _setting("`mergecost guard` stops tools on a branch that cost more")] = None
    cap_session_usd: Annotated[Decimal | None, _setting("`mergecost guard` stops a session that cost more")] = None
    cap_day_usd: Annotated[
        Decimal | None, _setting("`mergecost guard` stops tools on a machine that used more in a day")
    ] = None

    weekly: Annotated[bool, _setting("make an issue about each week")] = True
    weekly_day: Annotated[
        Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"],
        _setting("on which day, at six in the morning"),
    ] = "monday"
    weekly_repository: Annotated[str, _setting("`owner/name` of another repository that gets the weekly issue")] = ""
    weekly_from: Annotated[
        str, _setting("`owner/name` of other repositories whose weekly issues may be made here, with commas between")
    ] = ""
    weekly_on_public: Annotated[bool, _setting("have weekly issues made here though the repository is public")] = False
    time_zone: Annotated[str, _setting("whose weeks and mornings, as the IANA database names it")] = "UTC"

    def __post_init__(self) -> None:
        # Worded as msgspec words its own.
        if not (self.minimum_usd.is_finite() and 0 <= self.minimum_usd < _MOST_USD):
            raise ValueError("Expected `decimal` >= 0 - at `$.minimum_usd`")
        for name in _AMOUNTS:
            amount = getattr(self, name)
            if amount is not None and not (amount.is_finite() and _LEAST_USD <= amount < _MOST_USD):
                raise ValueError(f"Expected an amount over 0 - at `$.{name}`")
        if self.alert_url and not self.alert_url.startswith("https://"):
            raise ValueError("Expected an address that starts with https:// - at `$.alert_url`")
        if self.time_zone not in _zones():
            raise ValueError("Expected a time zone such as Europe/Berlin - at `$.time_zone`")
        if self.weekly_repository and not _FULL_NAME.fullmatch(self.weekly_repository):
            raise ValueError("Expected `owner/name` - at `$.weekly_repository`")
        if not all(_FULL_NAME.fullmatch(name) for name in self.weekly_sources):
            raise ValueError("Expected `owner/name` with commas between - at `$.weekly_from`")

    @property
    def weekly_sources(self) -> list[str]:
        """The repositories in `weekly_from`, in lower case."""
        return [name for part in self.weekly_from.split(",") if (name := part.strip().lower())]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def comments_in(self, *, private: bool) -> bool:
        """Whether comments are wanted in such a repository."""
        return self.comment and (private or self.comment_on_public)

    @property
    def has_periods(self) -> bool:
        """Whether a week or a month has a budget."""
        return self.budget_week_usd is not None or self.budget_month_usd is not None

    @property
    def survives_after(self) -> timedelta:
        return timedelta(days=self.survival_days)


class OperatorSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`mergecost.toml`: `[defaults]`, and overrides in `[repository."owner/name"]`. `retention_months`: so many whole months before
    the one that goes on keep their details; None: all."""

    retention_months: Annotated[int, msgspec.Meta(ge=1, le=1200)] | None = None
    defaults: dict[str, Any] = {}
    repository: dict[str, dict[str, Any]] = {}


class Problem(msgspec.Struct, frozen=True):
    """What is wrong in a settings file, for whoever can fix it. `line` counts from 1; it is 0 where no single line is wrong.
    So many `more` lines are wrong, too."""

    file: str
    line: int
    quote: str
    message: str
    more: int = 0

    def __str__(self) -> str:
        where = f"{self.file}, line {self.line}: `{self.quote}`" if self.line else self.file
        return f"{where}: {self.message}{f' (and {self.more} more)' if self.more else ''}"


def read_operator(text: str, file: str = "mergecost.toml") -> OperatorSettings | Problem:
    """Read and check the operator's file, every section of it."""
    try:
        raw = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        line = int(match[1]) if (match := _AT_LINE.search(str(error))) else 0
        return _problem(file, text, line, f"not TOML: {str(error).split(' (at')[0].lower()}")
    try:
        settings = msgspec.convert(raw, OperatorSettings)
        for section in (settings.defaults, *settings.repository.values()):
            msgspec.convert(section, RepositorySettings)
    except msgspec.ValidationError as error:
        return _validation_problem(file, text, str(error))
    return settings


def read_repository(text: str, base: dict[str, Any]) -> tuple[RepositorySettings, Problem | None]:
    """A repository's own file over `base`, the operator's settings for it; and the first line that is wrong."""
    settings = msgspec.convert(base, RepositorySettings)
    try:
        lines = settings_lines.read(text)
    except LinesError as error:
        return settings, _problem(PATH, text, error.line, str(error))
    values: dict[str, Any] = {}
    wrong: list[tuple[int, str, str]] = []
    for line in lines:
        if line.name in _OPERATORS:
            wrong.append(
                (line.number, line.name, f"{line.name} is set by whoever runs the server, in its mergecost.toml")
            )
        elif isinstance(line.value, Nested):
            wrong.append((line.number, line.name, "expected a single value"))
        else:
            try:
                own = msgspec.convert({line.name: line.value}, RepositorySettings)
                values[line.name] = getattr(own, line.name)
            except msgspec.ValidationError as error:
                wrong.append((line.number, line.name, str(error)))
    settings = msgspec.structs.replace(settings, **values)
    if not wrong:
        return settings, None
    number, name, error = wrong[0]
    return settings, _problem(PATH, text, number, _in_our_words(error, name), len(wrong) - 1)


def operator_values(settings: OperatorSettings, full_name: str) -> dict[str, Any]:
    """The operator's settings for one repository, whose name is compared as GitHub does: without case."""
    own = next((values for name, values in settings.repository.items() if name.lower() == full_name.lower()), {})
    return settings.defaults | own


def schema() -> dict[str, Any]:
    """The JSON schema of a repository's own file: https://json-schema.org"""
    document = msgspec.json.schema(RepositorySettings)
    (own,) = document["$defs"].values()
    for name in _OPERATORS:
        del own["properties"][name]
    amount = {"type": "number", "exclusiveMinimum": 0}
    for name in _AMOUNTS:
        own["properties"][name] = {"description": own["properties"][name]["description"], **amount}
    own["properties"]["minimum_usd"] |= {"type": "number", "minimum": 0, "default": 0}
    del own["properties"]["minimum_usd"]["format"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **own, "title": f"Mergecost, {PATH}"}


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _validation_problem(file: str, text: str, error: str) -> Problem:
    """What is wrong in the operator's file, with the line that it is about."""
    match = _UNKNOWN_FIELD.search(error) or _AT_FIELD.search(error)
    name = match[1] if match else ""
    return _problem(file, text, _line_of(text, name), _in_our_words(error, name))


def _in_our_words(error: str, name: str) -> str:
    """msgspec's message about a setting."""
    if _UNKNOWN_FIELD.search(error):
        return f"there is no setting {name[:_LONGEST_QUOTE]!r}; {_hint(name)}"
    return error.partition(" - at")[0].lower().replace("`", "")


def _hint(name: str) -> str:
    names = [field.name for field in msgspec.structs.fields(RepositorySettings)]
    close = get_close_matches(name, names, n=1)
    return f"perhaps {close[0]}" if close else f"there are: {', '.join(names)}"


def _line_of(text: str, name: str) -> int:
    """Where a setting is said, with or without quotes."""
    starts = ((i, line.lstrip().lstrip("\"'")) for i, line in enumerate(text.splitlines(), 1))
    rests = ((i, start.removeprefix(name).lstrip("\"' \t")) for i, start in starts if start.startswith(name))
    return next((i for i, rest in rests if rest.startswith((":", "="))), 0)


def _problem(file: str, text: str, line: int, message: str, more: int = 0) -> Problem:
    lines = text.splitlines()
    quote = lines[line - 1].strip()[:_LONGEST_QUOTE] if 0 < line <= len(lines) else ""
    return Problem(file, line if quote else 0, quote, message, more)
