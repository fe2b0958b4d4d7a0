"""The wire between collectors and the server describes itself."""

import msgspec
import pytest

from attribution import protocol
from attribution.usage import MOST_TOKENS

BODIES = [protocol.UsageBatch, protocol.Receipt, protocol.Coverage, protocol.CapsQuery, protocol.CapsAnswer]


@pytest.mark.parametrize("body", BODIES)
def test_every_body_has_a_schema(body):
    assert body.__name__ in msgspec.json.schema(body)["$defs"]


@pytest.mark.parametrize("name", ["Usage", "Tokens", "Context", "Work"])
def test_every_field_of_a_request_is_described_in_the_schema(name):
    (_, parts) = msgspec.json.schema_components([protocol.UsageBatch])
    fields = parts[name]["properties"]
    assert [field for field, schema in fields.items() if not schema.get("description")] == []


def test_the_limits_that_the_server_checks_are_in_the_schema():
    (_, parts) = msgspec.json.schema_components([protocol.UsageBatch])
    assert parts["Tokens"]["properties"]["output"]["maximum"] == MOST_TOKENS
    assert parts["Usage"]["properties"]["request_id"]["minLength"] == 1
    assert parts["UsageBatch"]["properties"]["requests"]["maxItems"] == protocol.MOST_REQUESTS


def test_a_digest_is_of_the_name_in_lower_case():
    assert protocol.repository_digest(b"salt", "Acme/Widgets") == protocol.repository_digest(b"salt", "acme/widgets")
