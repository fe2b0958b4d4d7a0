"""The page that says how figures are counted: its example is what the server would count."""

import re
from datetime import UTC, datetime

import msgspec

from attribution.pricing import Price, price
from attribution.usage import Tokens
from tests.notation import session
from tests.server import Server

_ROW = re.compile(
    r"<tr><td>([^<]+)</td><td class=n>([\d,]+)</td><td class=n>\$([\d.]+)</td><td class=n>\$([\d.]+)</td></tr>"
)


def test_the_example_is_what_a_request_costs(server: Server):
    answer = server.send("GET", "/how")
    assert answer.status_code == 200
    rows = _ROW.findall(answer.text)
    assert [name for name, *_ in rows] == ["New input", "Read from cache", "Written to cache", "Output"]
    counts = [int(count.replace(",", "")) for _, count, *_ in rows]
    for count, (_, _, a_million, cost) in zip(counts, rows, strict=True):
        assert round(count * float(a_million)) == round(float(cost) * 1_000_000)
    kinds = ("uncached_input", "cache_read", "cache_write_5m", "output")
    tokens = Tokens(**dict(zip(kinds, counts, strict=True)))
    (request,) = session("09:00 main $0.00")
    request = msgspec.structs.replace(
        request, model="claude-opus-4-5", tokens=tokens, at=datetime(2026, 11, 20, tzinfo=UTC)
    )
    cost = price(request)
    assert isinstance(cost, Price)
    assert f"This request</th><th></th><th></th><th class=n>${cost.list_micros / 1_000_000:.4f}" in answer.text
