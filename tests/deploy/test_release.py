"""The release workflow runs nothing that may change under its name."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit_and_jobs_have_no_more_rights_than_they_use(path: Path):
    text = path.read_text()
    workflow = yaml.safe_load(text)
    assert re.findall(r"uses: (?!\S+@[0-9a-f]{40} # v[\d.]+\n).*", text) == []
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 60
        assert {name for name, level in job["permissions"].items() if level == "write"} <= {"id-token", "packages"}
    # What a tag or a title says is never part of a command.
    assert re.findall(r"\$\{\{(?! github\.token )", text) == []


def test_a_release_is_checked_first_and_built_by_what_is_locked():
    workflow = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())
    jobs = workflow["jobs"]
    assert {name for name, job in jobs.items() if job.get("needs") == "check"} == set(jobs) - {"check"}
    assert jobs["pypi"]["steps"][1]["run"] == "make .venv/.bootstrap"
    bootstrap = (ROOT / "deploy/lock/bootstrap.txt").read_text()
    assert all(re.search(rf"^{name}==", bootstrap, re.MULTILINE) for name in ("uv", "hatchling"))
