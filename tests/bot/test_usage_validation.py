"""The look at all fields at once never passes what the look at each one would refuse."""

from datetime import UTC, datetime, timedelta
from operator import attrgetter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.usage import LONGEST_TEXT, Tokens
from bot.usage_validation import _LIMITS, _is_plain, _problems_of_fields, validate
from tests.notation import session

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
GOOD = session("09:00 feat/a $1.00")[0]

TEXTS = ["", "x", "x" * LONGEST_TEXT, "x" * (LONGEST_TEXT + 1), "a\u202eb", "a\x00b", "a\nb", "Ünïcode"]
TIMES = [
    datetime(2022, 12, 31, tzinfo=UTC),
    datetime(2023, 1, 1, tzinfo=UTC),
    NOW,
    NOW + timedelta(minutes=59),
    NOW + timedelta(hours=2),
    datetime(2026, 11, 23),  # noqa: DTZ001
]


def with_value(usage, name, value):
    *parts, last = name.split(".")
    within = attrgetter(".".join(parts))(usage) if parts else usage
    changed = msgspec.structs.replace(within, **{last: value})
    return with_value(usage, ".".join(parts), changed) if parts else changed


def values(limit):
    if limit.is_text:
        return st.sampled_from(TEXTS)
    return st.sampled_from([limit.least - 1, limit.least, limit.most, limit.most + 1, 7])


changes = st.one_of(
    *(st.tuples(st.just(limit.name), values(limit)) for limit in _LIMITS),
    st.tuples(st.just("at"), st.sampled_from(TIMES)),
    st.tuples(st.just("aliases"), st.lists(st.sampled_from(TEXTS), max_size=11).map(tuple)),
    st.tuples(st.just("tokens"), st.sampled_from([Tokens(is_known=False), Tokens(is_known=False, output=1)])),
)


@given(st.lists(changes, max_size=3))
def test_what_is_plain_has_no_problem(changed):
    usage = GOOD
    for name, value in changed:
        usage = with_value(usage, name, value)
    assert not (_is_plain(usage, NOW) and list(_problems_of_fields(usage, NOW)))


@pytest.mark.parametrize("limit", _LIMITS, ids=lambda limit: limit.name)
def test_each_limit_is_looked_at_and_what_keeps_to_it_is_plain(limit):
    beyond = "x" * (limit.most + 1) if limit.is_text else limit.most + 1
    assert f"`{limit.name}` must be" in str(list(_problems_of_fields(with_value(GOOD, limit.name, beyond), NOW)))
    assert not _is_plain(with_value(GOOD, limit.name, beyond), NOW)
    assert _is_plain(GOOD, NOW)


def test_a_good_record_is_taken_without_the_folder():
    usage = with_value(GOOD, "context.cwd", "/home/alice/widgets")
    assert validate(msgspec.Raw(msgspec.json.encode(usage)), NOW) == with_value(GOOD, "context.cwd", "")
