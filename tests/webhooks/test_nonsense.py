"""Whatever strangers, tools and people send, they get an answer that says what is wrong, and never an error of ours."""

import json
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.store import tokens as token_store
from bot.store.database import Unavailable
from tests.examples import examples
from tests.server import NOON, sign
from tests.webhooks.test_github import INSTALLATION, PULL
from tests.webhooks.test_usage import ONE, altered

DEEP = b'{"x":' * 3000 + b"1" + b"}" * 3000
NUMBERS = [2**31, 2**63 - 1, 2**63, -(2**63) - 1, -1, 0, 10**30]


def reader_of(server):
    server.token(acme__widgets=34)
    with server.database.write() as connection:
        return token_store.new(connection, 1, "a dashboard", NOON, "read")


def authorization(token):
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("body", [DEEP, b"[" * 100_000, b'{"action": "\xff\xfe"}', b'{"action": "\xed\xa0\x80"}'])
def test_a_delivery_that_is_nonsense_is_refused_in_words(server, body):
    answer = server.deliver("pull_request", body)
    assert answer.status_code == 400
    assert "not an event" in answer.json()["message"]


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, -1, 0, 10**30])
@pytest.mark.parametrize("where", ["pull_request", "repository", "installation", "owner"])
def test_a_delivery_about_something_impossible_is_refused(server, where, number):
    event = json.loads(json.dumps(PULL))
    if where == "pull_request":
        event["pull_request"]["number"] = number
    elif where == "owner":
        event["repository"]["owner"]["id"] = number
    else:
        event[where]["id"] = number
    assert server.deliver("pull_request", event).status_code == 400
    assert server.deliver("pull_request", PULL).status_code == 202
    assert server.request_counts() == {"pull 7/34/12": 1}


@pytest.mark.parametrize(
    "external_id",
    [
        "34/0/1",
        "34/²/1",
        "34/٣/1",
        f"34/{2**63}/1",
        "34/" + "9" * 5000,
        f"34/12/{2**63}",
        "34/12",
        "34/-1/1",
        "34/",
        "//",
        "",
    ],
)
def test_a_check_run_of_an_impossible_pull_request_is_nothing_to_do(server, external_id):
    event = {
        "action": "rerequested",
        "check_run": {"external_id": external_id},
        "repository": PULL["repository"],
        "installation": INSTALLATION,
    }
    assert server.deliver("check_run", event).json() == {"message": "nothing to do"}


@pytest.mark.parametrize("login", ["a\x00b", "", "x" * 101, "a\nb"])
def test_a_press_by_an_impossible_person_is_refused(server, login):
    event = {
        "check_run": {"external_id": "34/12/1"},
        "requested_action": {"identifier": "approve"},
        "sender": {"id": 1, "login": login},
        "repository": PULL["repository"],
        "installation": INSTALLATION,
    }
    assert server.deliver("check_run", event).status_code == 400


def test_a_delivery_that_is_no_json_is_told_what_to_set(server):
    answer = server.deliver("pull_request", b"payload=%7B%7D", **{"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 415
    assert "application/json" in answer.json()["message"]


@pytest.mark.parametrize(
    "failure", [Unavailable("QueuePool limit reached"), OverflowError("too large"), RuntimeError("?")]
)
def test_whatever_goes_wrong_with_a_commit_everybody_who_waits_hears_of_it(server, failure, monkeypatch):
    def fail(*_):
        raise failure

    with monkeypatch.context() as patch:
        patch.setattr(server.app.state.edge.intake, "_commit", fail)
        if isinstance(failure, Unavailable):
            answer = server.deliver("pull_request", PULL)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
        else:  # uvicorn answers 500
            with pytest.raises(type(failure)):
                server.deliver("pull_request", PULL)
    assert server.deliver("pull_request", PULL).status_code == 202


EXTREMES = {
    "at": ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59Z", 2**63, NOON],
    "context.branch": ["\x00", "x" * 301],
    "request_id": ["a\x00"],
    "work.commits_made": [
        [{"sha": "abcdef0", "authored_at": "0001-01-01T00:00:00+23:59"}],
        [{"sha": "abcdef0", "authored_at": "9999-12-31T23:59:59-23:59"}],
    ],
    "work.pulls_seen": [[{"number": number, "how": "view"}] for number in (0, -1, 2**63, 10**30)],
    "work.edited_files": [["a\x00b"]],
    "tokens.output": [-1, 2**63, -(2**63) - 1, 10**30, 1e300],
    "reported_micros": [-1, 2**63, 10**30],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in EXTREMES.items() for value in values])
def test_an_extreme_record_is_refused_and_costs_its_batch_nothing(server, name, value):
    token = server.token(acme__widgets=34)
    answer = server.post_usage(token, altered({name: value}), ONE | {"request_id": "good"})
    assert answer.status_code == 200
    assert answer.json()["accepted"] == 1
    (refusal,) = answer.json()["refused"]
    assert refusal["index"] == 0
    assert refusal["reason"]


def test_a_record_that_is_not_utf8_is_refused_and_costs_its_batch_nothing(server):
    token = server.token(acme__widgets=34)
    good = json.dumps(ONE | {"request_id": "good"}).encode()
    bad = json.dumps(ONE).encode().replace(b'"claude-code"', b'"\xff\xfe"')
    body = b'{"requests": [%s, %s]}' % (bad, good)
    answer = server.send("POST", "/v1/usage", content=body, headers=authorization(token))
    assert answer.json()["accepted"] == 1
    assert "not UTF-8" in answer.json()["refused"][0]["reason"]


@pytest.mark.parametrize("path", ["/v1/usage", "/v1/caps"])
@pytest.mark.parametrize(
    "body",
    [
        DEEP,
        b'{"requests": %s}' % DEEP,
        b'{"repositories": [{"name": "\xff"}]}',
        b'{"requests": ["\\ud800"]}',
        b"[" * 100_000,
    ],
)
def test_a_body_that_is_nonsense_is_refused_in_words(server, path, body):
    token = server.token(acme__widgets=34)
    answer = server.send("POST", path, content=body, headers=authorization(token))
    assert answer.status_code == 400
    assert "the body must be" in answer.json()["message"]


@pytest.mark.parametrize("path", ["/v1/usage", "/v1/caps"])
def test_what_is_no_json_is_told_so(server, path):
    token = server.token(acme__widgets=34)
    answer = server.send("POST", path, data={"a": "b"}, headers=authorization(token))
    assert answer.status_code == 415
    assert "application/json" in answer.json()["message"]


@pytest.mark.parametrize("number", [*NUMBERS, "9" * 5000, "1.5", "x", "%00", "²"])
@pytest.mark.parametrize("kind", ["pulls", "issues"])
def test_an_impossible_number_is_refused(server, kind, number):
    answer = server.send(
        "GET", f"/api/v1/repositories/acme/widgets/{kind}/{number}", headers=authorization(reader_of(server))
    )
    assert answer.status_code in (404, 422)
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    "week", ["0000-W00", "9999-W53", "2999-W53", "2000-W01", "2026-W99", "-", "%00", "٢٠٢٦-W47", "2026-W47%0A"]
)
def test_an_impossible_week_is_refused(server, week):
    answer = server.send(
        "GET", f"/api/v1/repositories/acme/widgets/weeks/{week}", headers=authorization(reader_of(server))
    )
    assert answer.status_code in (200, 404)


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "2026-02-30", "x", "\x00", "2026-W47-1", "9" * 5000])
@pytest.mark.parametrize("name", ["since", "until"])
def test_an_impossible_day_is_refused_and_says_how_to_write_one(server, name, day):
    params = {"by": "model", name: day}
    answer = server.send("GET", "/api/v1/costs", params=params, headers=authorization(reader_of(server)))
    assert answer.status_code == (200 if day == "2026-W47-1" else 422)
    if answer.status_code == 422:
        assert "a day is" in answer.json()["detail"]


@pytest.mark.parametrize("page", [0, -1, 2**63, 10**30, "9" * 5000, "x"])
def test_an_impossible_page_is_refused_or_empty(server, page):
    params = {"page": page}
    answer = server.send("GET", "/api/v1/repositories", params=params, headers=authorization(reader_of(server)))
    assert answer.status_code == 422 or answer.json() == []


# Every route, with anything.

words = st.text(max_size=12) | st.sampled_from(
    [
        "acme",
        "widgets",
        "..",
        "\x00",
        "2026-W47",
        "12",
        "9" * 40,
        str(2**63),
        "-1",
        "a b",
        "%",
        "%ff",
        "ü",
        "\U0001f600",
    ]
)
STEMS = [
    "/webhooks/github", "/v1/usage", "/v1/coverage", "/v1/caps", "/healthz", "/readyz", "/metrics", "/", "/how", "/setup", "/setup/created",
    "/api/v1/openapi.json", "/api/v1/repositories", "/api/v1/costs", "/api/v1/repositories/acme/widgets/pulls",
    "/api/v1/repositories/acme/widgets/issues", "/api/v1/repositories/acme/widgets/weeks",
    "/api/v1/repositories/acme/widgets/budgets", "/",
]  # fmt: skip
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | words,
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["action", "installation", "repository", "owner", "id", "pull_request", "issue", "number", "comment", "body", "sender",
             "login", "check_run", "external_id", "requested_action", "identifier", "requests", "repositories", "name", "branches"]
        )
        | words,
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip
bodies = st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()) | st.just(b"deep")
header_names = st.sampled_from(
    ["Accept", "Content-Type", "Content-Length", "Transfer-Encoding", "Host", "Range", "Cookie", "If-Match", "Authorization",
     "X-GitHub-Event", "X-GitHub-Delivery", "X-Hub-Signature-256", "Origin", "Expect", "X-Forwarded-For", "Upgrade"]
)  # fmt: skip
header_values = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40) | st.sampled_from(
    [
        "application/json",
        "text/plain",
        "Bearer ",
        "9" * 50,
        "-1",
        "chunked",
        "sha256=" + "0" * 64,
        "pull_request",
        "check_run",
    ]
)
requests = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"]),
        "stem": st.sampled_from(STEMS),
        "rest": st.lists(words, max_size=2),
        "params": st.dictionaries(
            st.sampled_from(
                ["page", "per_page", "by", "since", "until", "repository", "secret", "code", "state", "organization"]
            ),
            words,
            max_size=3,
        ),
        "headers": st.dictionaries(header_names, header_values, max_size=4),
        "body": bodies,
        "is_right": st.booleans(),  # signed, and with a good token: what is behind the door is reached
        "event": st.sampled_from(
            ["pull_request", "issues", "issue_comment", "check_run", "installation", "repository"]
        ),
    }
)


def check_anything(server, token, reader, request):
    body = request["body"].replace(b"deep", DEEP)
    path = "/".join([request["stem"], *(quote(word, safe="") for word in request["rest"])])
    headers = {name: value.encode("latin-1") for name, value in request["headers"].items()}
    if request["is_right"]:
        headers |= authorization(reader if path.startswith("/api") else token)
        headers |= {"X-Hub-Signature-256": sign(body), "X-GitHub-Event": request["event"]}
        headers |= {"Content-Type": "application/json"}
    answer = server.send(request["method"], path, params=request["params"], headers=headers, content=body)
    if path == "/readyz" and answer.status_code == 503:
        assert request["method"] == "HEAD" or "cannot sign" in answer.text, "this server's key is none"
        return
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400 and answer.headers.get("content-type") == "application/json" and answer.content:
        told = answer.json()
        assert told.get("message") or told.get("detail")


@settings(
    max_examples=examples(50),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(requests)
def test_nothing_that_anybody_sends_to_any_route_is_an_error_of_ours(server, anything):
    token, reader = server.token(acme__widgets=34), reader_of(server)
    check_anything(server, token, reader, anything)
