"""What goes outside: signed as the standard says, to public addresses alone, and never led elsewhere."""

import asyncio
import base64
import contextlib
import hashlib
import hmac

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.notify import Message, NotSent, Outbox, is_public
from bot.repository_settings import OperatorSettings
from bot.settings import SettingsError, alert_secret
from tests.channel import PUBLIC_ADDRESS, SECRET, URL, Channel
from tests.server import NOON

MESSAGE = Message("1/2/budget_week/2026-W47 20000000/100", "acme/widgets & <others> used it up")


def post(channel: Channel, url: str = URL) -> None:
    asyncio.run(channel.outbox().post(url, MESSAGE, NOON))


def test_it_is_signed_and_goes_to_the_address_that_was_looked_up():
    channel = Channel()
    post(channel)
    ((headers, body),) = channel.requests
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    proof = hmac.digest(base64.b64decode(SECRET.removeprefix("whsec_")), content, hashlib.sha256)
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(proof).decode()}"
    assert headers["webhook-timestamp"] == str(NOON // 1000)
    assert headers["host"] == "hooks.chat.example"
    assert channel.looked_up == ["hooks.chat.example:443"]
    assert channel.texts == ["acme/widgets &amp; &lt;others&gt; used it up"]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://hooks.chat.example/x", "must start with https://"),
        ("https://nowhere.example/secret", "nowhere.example has no address"),
        ("https://127.0.0.1/secret", "127.0.0.1 leads to an address that is not public"),
    ],
)
def test_an_address_that_cannot_be_used_says_why_and_keeps_its_secret(url: str, says: str):
    channel = Channel()
    channel.addresses["127.0.0.1"] = ["127.0.0.1"]
    with pytest.raises(NotSent, match=says) as error:
        post(channel, url)
    assert "secret" not in str(error.value)
    assert channel.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "https://", "https:///x", "https://:443/x", "https://[/x", "https://[]/x", "https://]/x", "https://[::1/x",
        "https://[fe80::1%25eth0]/x", "https://127.0.0.1%00.chat.example/x", "https://chat.example%2f@10.0.0.1/x",
        "https://user:word@hooks.chat.example/x", "https://hooks.chat.example@10.0.0.1/x", "https://ⓗooks.chat.example/x",
        "https://münchen.example/x", "https://hooks。chat.example/x", "https://hooks.chat.example:0/x",
        "https://hooks.chat.example:99999/x", "https://hooks.chat.example:x/x", "https://hooks.chat.example:٤٤٣/x",
        "https://hooks.chat.example\\@10.0.0.1/x", "https://hooks.chat.example /x", "https://hooks.chat.example\n.x/x",
        "https://a..example/x", "https://-a.example/x", f"https://{'a' * 64}.example/x", f"https://{'a.' * 130}example/x",
        "ftp://hooks.chat.example/x", "//hooks.chat.example/x", "javascript:alert(1)", "", "\x00",
    ],
)  # fmt: skip
def test_an_odd_address_is_refused_with_a_reason(url: str):
    channel = Channel()
    with pytest.raises(NotSent, match=r"alert_url|has no address"):
        post(channel, url)
    assert channel.requests == []


@given(st.text(max_size=40) | st.text(st.sampled_from("https://[]@:%.#?\\a1é。"), max_size=40))
def test_whatever_the_address_is_it_is_sent_or_refused(rest: str):
    channel = Channel()
    for url in (rest, f"https://{rest}"):
        with contextlib.suppress(NotSent):
            post(channel, url)
    assert channel.requests == []


def test_the_address_that_was_checked_is_the_one_that_is_reached():
    """A name may lead elsewhere a moment later: it is asked for once."""
    channel = Channel()
    answers = [[PUBLIC_ADDRESS], ["10.0.0.1"]]
    outbox = msgspec.structs.replace(channel.outbox(), resolve=lambda *_: answers.pop(0))
    asyncio.run(outbox.post(URL, MESSAGE, NOON))
    assert channel.reached == [PUBLIC_ADDRESS]
    assert answers == [["10.0.0.1"]]


def test_one_address_inside_is_enough_to_refuse():
    channel = Channel()
    channel.addresses["hooks.chat.example"] = [PUBLIC_ADDRESS, "64:ff9b::a9fe:a9fe"]
    with pytest.raises(NotSent, match="not public"):
        post(channel)


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 404, 410, 429, 500, 503])
def test_an_answer_other_than_success_is_an_error_and_no_redirect_is_followed(status: int):
    channel = Channel()
    channel.answers = [status]
    with pytest.raises(NotSent, match=str(status)) as error:
        post(channel)
    assert "secret" not in str(error.value)
    assert len(channel.requests) == 1


def test_without_a_secret_nothing_is_sent():
    with pytest.raises(NotSent, match="MERGECOST_ALERT_SECRET is not set"):
        asyncio.run(Outbox().post(URL, MESSAGE, NOON))


@pytest.mark.parametrize(
    ("address", "public"),
    [
        (PUBLIC_ADDRESS, True),
        ("2606:4700::1111", True),
        ("64:ff9b::808:808", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # noqa: S104
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("::ffff:8.8.8.8", True),
        ("::ffff:169.254.169.254", False),
        ("::ffff:0:10.0.0.1", False),
        ("::10.0.0.1", False),
        ("::8.8.8.8", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("64:ff9b:1::808:808", False),
        ("2002:a00:1::", False),
        ("2002:808:808::", False),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", False),
        ("2001:db8::1", False),
        ("2001:4860:4860::8888", True),
        ("fec0::1", False),
        ("5f00::1", False),
        ("3fff::1", False),
        ("4000::1", False),
        ("100::1", False),
        ("ff02::1", False),
        ("fe80::1%eth0", False),
        ("192.0.0.192", False),
        ("192.0.0.9", False),
        ("192.88.99.1", False),
        ("168.63.129.16", False),
        ("100.100.100.200", False),
        ("198.18.0.1", False),
        ("203.0.113.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("not an address", False),
    ],
)
def test_only_public_addresses_are_accepted(address: str, public: bool):
    assert is_public(address) == public


@pytest.mark.parametrize(
    "operator",
    [OperatorSettings(defaults={"alert_url": URL}), OperatorSettings(repository={"a/b": {"alert_url": URL}})],
)
@pytest.mark.parametrize(
    ("secret", "says"),
    [("", "make a secret with"), ("short", "24 random bytes"), ("whsec_c2hvcnQ=", "24 random bytes")],
)
def test_an_address_outside_needs_a_good_secret(operator: OperatorSettings, secret: str, says: str):
    with pytest.raises(SettingsError, match=says):
        alert_secret(operator, {"MERGECOST_ALERT_SECRET": secret})
    assert alert_secret(operator, {"MERGECOST_ALERT_SECRET": SECRET}) == SECRET
    assert alert_secret(OperatorSettings(), {}) == ""
