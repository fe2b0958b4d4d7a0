import msgspec
from hypothesis import given
from hypothesis import strategies as st

from attribution.evidence import UNATTRIBUTED, Claim, Evidence
from attribution.ledger import charge, check, share_out
from tests.attribution.strategies import usages
from tests.notation import session

targets = st.one_of(st.none(), st.integers(1, 5))
claims = st.builds(
    Claim,
    st.lists(st.tuples(targets, st.integers(1, 100)), min_size=1, max_size=4, unique_by=lambda pair: pair[0]).map(
        tuple
    ),
    st.sampled_from(list(Evidence)),
    st.just("because"),
)


@given(st.lists(st.tuples(usages(), claims), max_size=8, unique_by=lambda pair: pair[0].key))
def test_every_charge_is_shared_completely(pairs):
    charges = [charge(usage) for usage, _ in pairs]
    shares = [share for item, (_, claim) in zip(charges, pairs, strict=True) for share in share_out(item, claim, 1)]
    assert check(charges, shares) == []
    assert sum(share.micros or 0 for share in shares) == sum(item.list_micros or 0 for item in charges)


def problems(change):
    item = charge(session("09:00 main $1.00")[0])
    return [
        error.problem
        for error in check([item], change(share_out(item, Claim(((1, 1), (2, 1)), Evidence.BRANCH, ""), 1)))
    ]


def test_the_check_sees_what_is_wrong():
    replace = msgspec.structs.replace
    assert problems(lambda shares: shares) == []
    assert problems(lambda shares: []) == ["not shared out"]
    assert problems(lambda shares: shares[:1]) == ["shares sum to 500000, not 1000000 micro-dollars"]
    assert problems(lambda shares: [shares[0], replace(shares[1], pull_number=1)]) == [
        "two shares have the same target"
    ]
    assert problems(lambda shares: [shares[0], replace(shares[1], revision=2)]) == [
        "shares of several revisions are current"
    ]
    assert problems(lambda shares: [shares[0], replace(shares[1], micros=None)]) == [
        "a share of a priced charge has no amount"
    ]
    assert problems(lambda shares: [shares[0], replace(shares[1], weight=0)]) == ["a share has no weight"]


def test_money_without_a_charge_or_a_price_is_an_error():
    priced_charge, unpriced_charge = (charge(usage) for usage in session("09:00 main $1.00\n09:01 main nobody-knows-1"))
    stray = check([], share_out(priced_charge, UNATTRIBUTED, 1))
    assert [error.problem for error in stray] == ["shares of a charge that does not exist"]
    invented = [msgspec.structs.replace(share, micros=5) for share in share_out(unpriced_charge, UNATTRIBUTED, 1)]
    assert [error.problem for error in check([unpriced_charge], invented)] == [
        "a charge without a price is shared as money"
    ]
