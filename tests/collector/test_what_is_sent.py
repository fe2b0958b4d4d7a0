"""Which requests a server may know, and how they are packed."""

import hashlib
import hmac
import os
from pathlib import Path

from collector.client import MAX_BATCH_BYTES, MAX_BATCH_REQUESTS, Parcel, batches
from collector.coverage import Coverage, sort_out
from collector.scan import scan
from tests.collector.machine import repository, request, write_log

SALT = "00ff"


def test_batches_keep_both_limits():
    def parcel(size: int) -> Parcel:
        return Parcel(usage=None, body=b"x" * size)  # type: ignore[arg-type]

    sizes = [400_000] * 5 + [10] * 1200 + [MAX_BATCH_BYTES + 1] + [10]
    made = list(batches(parcel(size) for size in sizes))
    assert [len(one.body) for batch in made for one in batch] == sizes
    for batch in made:
        assert len(batch) <= MAX_BATCH_REQUESTS
        assert (
            len(batch) == 1 or len(b'{"requests":[' + b",".join(one.body for one in batch) + b"]}") <= MAX_BATCH_BYTES
        )


def test_an_enterprise_host_covers_only_its_own(home: Path, tmp_path: Path):
    ghe = repository(tmp_path / "a", "https://GHE.example.com/acme/widgets.git")
    public = repository(tmp_path / "b", "https://github.com/acme/widgets.git")
    gitlab = repository(tmp_path / "c", "https://gitlab.com/acme/widgets.git")
    write_log(home, request(1, ghe), request(2, public), request(3, gitlab))
    usages = scan(home, {"PATH": os.environ["PATH"]}).usages
    for host, expected in (("ghe.example.com", ["msg_1"]), ("github.com", ["msg_2"])):
        digest = hmac.new(bytes.fromhex(SALT), b"acme/widgets", hashlib.sha256).hexdigest()
        coverage = Coverage(salt=SALT, host=host, repositories=frozenset({digest}))
        found = sort_out(usages, coverage)
        assert [usage.request_id for usage in found.covered] == expected
        assert {(usage.repository, usage.cwd) for usage in found.covered} == {("acme/widgets", "")}
        assert (found.not_covered, found.repository_unknown) == (2, 0)
