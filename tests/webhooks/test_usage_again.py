"""What is sent again, in the very same bytes, is recognised before anything else is asked of it."""

import json
from contextlib import contextmanager

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from attribution.usage import with_context
from bot.store import request_names
from tests.attribution.strategies import usages
from tests.examples import examples
from tests.notation import session
from tests.webhooks.test_usage import ONE, altered, ledger


@contextmanager
def statements(server):
    """The statements that change something, as they are run."""
    writes = []

    def note(_connection, _cursor, statement, *_others):
        if not statement.lstrip().startswith(("SELECT", "BEGIN")):
            writes.append(statement)

    event.listen(server.database.engine, "before_cursor_execute", note)
    yield writes
    event.remove(server.database.engine, "before_cursor_execute", note)


def test_a_batch_that_is_known_writes_nothing(server):
    token = server.token(acme__widgets=34)
    batch = [json.loads(msgspec.json.encode(usage)) for usage in session("09:00 feat/a $1.00\n09:01 feat/a $0.25")]
    server.post_usage(token, *batch)
    with statements(server) as writes:
        assert server.post_usage(token, *batch).json() == {"accepted": 0, "unchanged": 2, "refused": []}
    assert writes == []


def test_a_copy_that_says_nothing_new_is_known_the_next_time(server):
    token = server.token(acme__widgets=34)
    server.post_usage(token, altered({"tokens.output": 9}))
    for is_known in (False, True):
        with statements(server) as writes:
            assert server.post_usage(token, ONE).json()["unchanged"] == 1
        assert (writes == []) is is_known


def test_by_each_of_its_ids_a_request_is_known(server):
    token = server.token(acme__widgets=34)
    for name, other in (("a", "b"), ("b", "a")):
        server.post_usage(token, altered({"request_id": name, "aliases": [other]}))
    with statements(server) as writes:
        server.post_usage(token, *(altered({"request_id": name, "aliases": [other]}) for name, other in ("ab", "ba")))
    assert writes == []
    assert len(ledger(server)[0]) == 1


def test_what_is_not_covered_any_more_is_refused_though_it_is_known(server):
    token = server.token(acme__widgets=34)
    server.post_usage(token, ONE)
    server.token(acme__other=35)
    assert "not covered" in server.post_usage(token, ONE).json()["refused"][0]["reason"]


def test_under_a_name_that_is_another_repositorys_now_a_request_is_looked_at_again(server):
    token = server.token(acme__widgets=34)
    server.post_usage(token, ONE)
    server.token(acme__elsewhere=34, acme__widgets=35)
    with statements(server) as writes:
        server.post_usage(token, ONE)
    assert writes


def test_a_transferred_repository_leaves_nothing_known_behind(server):
    ours, theirs = server.token(1, acme__widgets=34), server.token(2, acme__gadgets=35)
    server.post_usage(ours, ONE)
    server.token(2, acme__widgets=34)
    server.token(1, acme__widgets=34)
    server.token(2, acme__gadgets=35)
    assert server.post_usage(ours, ONE).json()["unchanged"] == 1
    assert server.post_usage(theirs, ONE).json()["refused"]
    assert [len(ledger(server, account_id)[0]) for account_id in (1, 2)] == [1, 0]


@st.composite
def arrivals(draw):
    """Records of a few requests by some of their ids, many of them several times, and the size of batches."""
    records = []
    for number in range(draw(st.integers(1, 3))):
        for _ in range(draw(st.integers(1, 3))):
            first, *others = draw(st.permutations([f"{name}-{number}" for name in "ab"]))
            usage = draw(usages())
            usage = msgspec.structs.replace(
                usage,
                tool="codex",
                request_id=first,
                aliases=tuple(others[: draw(st.integers(0, 1))]),
                at=usage.at.replace(microsecond=0),
            )
            records.append(with_context(usage, repository=draw(st.sampled_from(["acme/widgets", "acme/fork"]))))
    bodies = [json.loads(msgspec.json.encode(usage)) for usage in records]
    return draw(st.lists(st.sampled_from(bodies), min_size=1, max_size=12)), draw(st.integers(1, 4))


@pytest.fixture
def tenants():
    """A new account for each example."""
    return iter(range(10, 10_000))


@settings(max_examples=examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrivals())
def test_the_ledger_is_the_same_as_if_nothing_were_recognised(server, tenants, given_arrivals):
    records, size = given_arrivals
    contents = []
    for recognise in (request_names.known, lambda *_: set()):
        tenant = next(tenants)
        token = server.token(tenant, acme__widgets=tenant * 100, acme__fork=tenant * 100 + 1)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(request_names, "known", recognise)
            answers = [
                server.post_usage(token, *records[start : start + size]).json()
                for start in range(0, len(records), size)
            ]
        charges, _ = ledger(server, tenant)
        in_general = [with_context(charge.usage, repository=charge.usage.context.repository[-1]) for charge in charges]
        contents.append((answers, sorted(map(msgspec.json.encode, in_general))))
    assert contents[0] == contents[1]
