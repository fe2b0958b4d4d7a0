import hashlib
import hmac
import json
from operator import attrgetter

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from attribution.evidence import Claim, Evidence
from attribution.ledger import charge, check
from attribution.usage import Context, Tokens, Usage, Work, with_context
from attribution.usage_merge import merge, with_request_id
from bot.arrivals import MOST_WAITING_BYTES
from bot.keys import RepositoryKey
from bot.store import ledger as ledger_store
from bot.store import ledger_history, ledger_tables, request_names
from bot.store import shares as share_store
from bot.store import tokens as token_store
from bot.store.day_sums import changes_of
from tests.attribution.strategies import usages
from tests.examples import examples
from tests.notation import session
from tests.server import NOON

ONE = json.loads(msgspec.json.encode(session("09:00 feat/a $1.00")[0]))


def altered(change):
    """The request with other fields, those of its parts by dotted names."""
    record = json.loads(json.dumps(ONE))
    for name, value in change.items():
        *parts, last = name.split(".")
        within = record
        for part in parts:
            within = within.setdefault(part, {})
        within[last] = value
    return record


def ledger(server, account_id=1):
    with server.database.read() as connection:
        return ledger_history.everything(connection, account_id)


def spend(server):
    charges, shares = ledger(server)
    assert check(charges, shares) == []
    return sum(charge.list_micros or 0 for charge in charges)


def test_usage_enters_the_ledger_once_however_often_it_is_sent(server):
    token = server.token(acme__widgets=34)
    batch = [json.loads(msgspec.json.encode(usage)) for usage in session("09:00 feat/a $1.00\n09:01 feat/a $0.25")]
    assert server.post_usage(token, *batch).json() == {"accepted": 2, "unchanged": 0, "refused": []}
    assert server.request_counts() == {"attribute 1/34/0": 1}
    for _ in range(9):
        assert server.post_usage(token, *batch, batch[0]).json() == {"accepted": 0, "unchanged": 3, "refused": []}
    assert spend(server) == 1_250_000
    assert server.request_counts() == {"attribute 1/34/0": 1}


def test_a_request_that_grew_is_charged_as_it_ended_in_any_order(server):
    token = server.token(acme__widgets=34)
    longer = altered({"tokens.output": 1000, "tokens.reasoning": 10})
    assert server.post_usage(token, ONE).json()["accepted"] == 1
    assert server.post_usage(token, longer).json()["accepted"] == 1
    assert server.post_usage(token, ONE).json()["accepted"] == 0
    assert spend(server) == 1_025_000


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"tool": "Claude Code"}, "`tool` must be a short name"),
        ({"tool": None}, "Expected `str`"),
        ({"at": "yesterday"}, "Invalid RFC3339"),
        ({"at": "2026-11-16T09:00:00"}, "a time with its zone"),
        ({"at": "2027-01-01T00:00:00Z"}, "between 2023-01-01 and now"),
        ({"at": "1970-01-01T00:00:00Z"}, "between 2023-01-01 and now"),
        ({"request_id": ""}, "must not be empty"),
        ({"tokens.uncached_input": -1}, "from 0 to 100,000,000"),
        ({"tokens.cache_read": 10**30}, "from 0 to 100,000,000"),
        ({"tokens.output": 1.5}, "Expected `int`"),
        ({"tokens.output": "7"}, "Expected `int`"),
        ({"tokens.output": 5, "tokens.reasoning": 6}, "part of `tokens.output`"),
        ({"tokens": {"is_known": False, "output": 1}}, "there can be no tokens"),
        ({"output_tokens": 7}, "unknown field `output_tokens`: update the server"),
        ({"tokens.image": 7}, "unknown field `image` - at `$.tokens`: update the server"),
        ({"context.source": "a dream"}, "Invalid enum value"),
        ({"aliases": ["x" * 301]}, "`aliases` must be"),
        ({"aliases": [f"r{i}" for i in range(11)]}, "`aliases` must be at most 10"),
        ({"model": "x" * 301}, "`model` must be at most 300 visible"),
        ({"context.branch": "a\u202eb"}, "`context.branch` must be at most 300 visible"),
        ({"context.repository": "other/repo"}, "'other/repo' is not covered"),
        ({"context.repository": ""}, "'' is not covered"),
        ({"work.edited_files": ["/etc/passwd"]}, "paths inside the repository"),
        ({"work.edited_files": ["a/../../b"]}, "paths inside the repository"),
        ({"work.edited_files": ["C:\\x"]}, "paths inside the repository"),
        ({"work.commits_made": [{"sha": "HEAD"}]}, "commit ids"),
    ],
)
def test_a_bad_record_is_refused_by_name_and_reason_and_good_ones_stay(server, change, reason):
    token = server.token(acme__widgets=34)
    good = ONE | {"request_id": "good"}
    answer = server.post_usage(token, altered(change), good)
    assert answer.status_code == 200
    (refusal,) = answer.json()["refused"]
    assert refusal["index"] == 0
    assert refusal["request_id"] == altered(change)["request_id"]
    assert reason in refusal["reason"]
    assert [charge.usage.request_id for charge in ledger(server)[0]] == ["good"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"requests": 5}', b'{"requests": [', b"\xff"])
def test_a_body_that_is_no_batch_is_refused_in_words(server, body):
    token = server.token(acme__widgets=34)
    answer = server.send("POST", "/v1/usage", content=body, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 400
    assert "requests" in answer.json()["message"]


def test_too_much_is_refused(server):
    token = server.token(acme__widgets=34)
    assert server.post_usage(token, *[ONE] * 1001).status_code == 400
    assert server.post_usage(token, altered({"context.cwd": "x" * 6_000_000})).status_code == 413


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer x", "Basic x", "Bearer mergecost_ingest_guess", "Bearer ' OR 1=1"]
)
def test_without_a_good_token_nothing_is_taken(server, header):
    server.token(acme__widgets=34)
    for method, path in (("POST", "/v1/usage"), ("GET", "/v1/coverage")):
        answer = server.send(method, path, headers={"Authorization": header})
        assert answer.status_code == 401
        assert "run `mergecost login`" in answer.json()["message"]


def test_a_revoked_token_is_refused_and_no_token_is_kept_in_the_open(server):
    token = server.token(acme__widgets=34)
    with server.database.write() as connection:
        (row,) = token_store.all_tokens(connection)
        assert token not in str(row)
        assert token_store.revoke(connection, row.token_id, NOON)
        assert not token_store.revoke(connection, row.token_id, NOON)
    assert server.post_usage(token, ONE).status_code == 401


def test_installations_are_strangers_to_each_other(server):
    ours = server.token(1, acme__widgets=34)
    theirs = server.token(2, other__repo=99)
    assert server.post_usage(theirs, ONE).json()["refused"][0]["reason"].endswith("not covered by this installation")
    same_id = altered({"context.repository": "other/repo"})
    assert server.post_usage(ours, ONE).json()["accepted"] == 1
    assert server.post_usage(theirs, same_id).json()["accepted"] == 1
    assert [len(ledger(server, account_id)[0]) for account_id in (1, 2)] == [1, 1]


def test_coverage_confirms_known_names_and_reveals_none(server):
    token = server.token(acme__widgets=34, acme__Gadgets=35)
    answer = server.send("GET", "/v1/coverage", headers={"Authorization": f"Bearer {token}"})
    body = answer.json()
    assert body["host"] == "github.com"
    assert "widgets" not in answer.text
    digests = [
        hmac.new(bytes.fromhex(body["salt"]), name, hashlib.sha256).hexdigest()
        for name in (b"acme/widgets", b"acme/gadgets")
    ]
    assert sorted(digests) == body["repositories"]


FIELDS = sorted(
    {*Usage.__struct_fields__, *Tokens.__struct_fields__, *Context.__struct_fields__, *Work.__struct_fields__}
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from([*FIELDS, "surprise"]), json_values, max_size=5))
def test_whatever_a_record_holds_it_is_taken_or_refused_and_the_ledger_holds(server, change):
    token = server.token(acme__widgets=34)
    answer = server.post_usage(token, altered(change))
    assert answer.status_code == 200
    spend(server)


@pytest.mark.parametrize("place", ["note", "tokens", "request_id"])
@pytest.mark.parametrize("levels", [900, 1100, 100_000])
def test_a_record_of_many_levels_costs_its_batch_nothing(server, place, levels):
    token = server.token(acme__widgets=34)
    first, second = (
        json.loads(msgspec.json.encode(usage)) for usage in session("09:00 feat/a $1.00\n09:10 feat/a $2.00")
    )
    body = json.dumps({"requests": [first | {place: "deep"}, second]}).replace('"deep"', "[" * levels + "]" * levels)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    answer = server.send("POST", "/v1/usage", content=body, headers=headers)
    assert answer.status_code == 200
    assert answer.json()["accepted"] == 1
    assert [refusal["index"] for refusal in answer.json()["refused"]] == [0]


@st.composite
def doors(draw):
    """Records of a few requests, each by some of its three ids, with one that ties them together; and the batches they come in."""
    records = []
    for number in range(draw(st.integers(1, 3))):
        names = [f"{name}-{number}" for name in ("a", "b", "c")]
        tied = [names, *draw(st.lists(st.lists(st.sampled_from(names), min_size=1, unique=True), max_size=4))]
        for first, *others in map(draw, map(st.permutations, tied)):
            usage = draw(usages())
            at = usage.at.replace(microsecond=0)  # the ledger keeps milliseconds
            ids = {"tool": "codex", "request_id": first, "aliases": tuple(sorted(others))}
            usage = msgspec.structs.replace(usage, at=at, **ids)
            repository = draw(st.sampled_from(["acme/widgets", "acme/fork"]))
            records.append((number, with_context(usage, repository=repository)))
    return records, draw(st.permutations(records)), draw(st.integers(1, 4))


@settings(max_examples=examples(20), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(doors())
def test_requests_seen_through_several_doors_are_charged_once_in_any_order_and_any_batches(server, arrivals):
    records, order, size = arrivals
    token = server.token(acme__widgets=34, acme__fork=35)
    ids = {"acme/widgets": "34", "acme/fork": "35"}
    truth = {}
    for number, usage in records:
        numbered = with_context(usage, repository=ids[usage.context.repository])
        truth[number] = merge(truth[number], numbered) if number in truth else numbered
    with server.database.write() as connection:
        for rows in (ledger_tables.charges, ledger_tables.shares, request_names.names):
            connection.execute(delete(rows))
    for start in range(0, len(order), size):
        batch = [json.loads(msgspec.json.encode(usage)) for _, usage in order[start : start + size]]
        assert server.post_usage(token, *batch).json()["refused"] == []
        place(server)
    charges, shares = ledger(server)
    assert check(charges, shares) == []
    by_id = attrgetter("request_id")
    requests = sorted((unnamed(charge.usage) for charge in charges), key=by_id)
    assert requests == sorted(map(unnamed, truth.values()), key=by_id)
    assert spend(server) == sum(charge(usage).list_micros or 0 for usage in truth.values())


def place(server):
    """Every charge is booked to some pull request of its repository."""
    with server.database.write() as connection, changes_of(connection, 1) as sums:
        for repository_id in (34, 35):
            sessions = [("codex", f"s{i}") for i in (1, 2, 3)]
            key = RepositoryKey(1, repository_id)
            entries = ledger_store.charges_of(connection, key, sessions)
            claims = [
                (entry, Claim(((number, 1), (None, 2)), Evidence.BRANCH, "why"))
                for number, session_id in enumerate(sessions, 1)
                for entry in entries[session_id]
            ]
            share_store.save_claims(connection, key, claims, NOON, sums)


def unnamed(usage):
    """The request by all of its ids, whichever it goes by."""
    return with_request_id(usage, min(usage.request_id, *usage.aliases))


def test_more_than_may_wait_is_refused_for_a_while_and_other_accounts_are_served(server):
    ours, theirs = server.token(1, acme__widgets=34), server.token(2, acme__widgets=35)
    with server.app.state.edge.arrivals.room(1, MOST_WAITING_BYTES // 2):
        answer = server.post_usage(ours, ONE)
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "5")
        assert server.post_usage(theirs, ONE).json()["accepted"] == 1
    assert server.post_usage(ours, ONE).json()["accepted"] == 1
