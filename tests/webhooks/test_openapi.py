"""What the API says of itself at /api/v1/openapi.json holds, for generated requests that fit it and ones that do not."""

import contextlib

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from bot.store import tokens as token_store
from tests.examples import examples
from tests.server import NOON
from webhooks import api
from webhooks.server import Server


def operations():
    app = Server(title="Mergecost", version="1")
    app.include_router(api.router)
    return [result.ok() for result in schemathesis.openapi.from_dict(app.openapi()).get_all_operations()]


@pytest.mark.hypothesis
@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.label)
def test_what_the_api_says_of_itself_holds(server, operation, mode):
    server.token(acme__widgets=34)
    with server.database.write() as connection:
        token = token_store.new(connection, 1, "a dashboard", NOON, "read")

    @settings(max_examples=examples(10), suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(generation_mode=mode))
    def check(case):
        request = case.as_transport_kwargs(base_url="http://server")
        answer = server.send(
            request["method"],
            request["url"],
            params=request.get("params"),
            headers={"Authorization": f"Bearer {token}"},
        )
        assert answer.status_code < 500, answer.text
        case.operation.validate_response(answer)

    with contextlib.suppress(Unsatisfiable):  # where every value fits, none can be made that does not
        check()
