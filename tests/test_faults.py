from pathlib import Path

import pytest

from tests.faults import FAULTS

TESTS = Path(__file__).parent


def test_every_fault_has_its_number():
    assert [*FAULTS] == [*range(1, 36)]


@pytest.mark.parametrize("number", FAULTS)
def test_every_fault_has_its_tests(number: int):
    for name in FAULTS[number].tests:
        file, _, function = name.partition("::")
        assert f"\ndef {function}" in (TESTS / file).read_text(), name
