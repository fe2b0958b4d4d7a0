"""The server hands out its own client."""

import os
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from tests.server import Server
from webhooks.wheel import wheel

ROOT = Path(__file__).parents[2]


def contents(file: BytesIO | Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the build backend makes of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    code = f"import hatchling.build; print(hatchling.build.build_wheel({str(folder)!r}))"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)
    return contents(next(folder.glob("*.whl")))


def test_the_wheel_is_what_a_release_is(built: dict[str, bytes]):
    ours = contents(BytesIO(wheel().content))
    assert ours.keys() == built.keys()
    # Each maker writes its own name, and a checkout the README of when it was installed.
    differ = {name.partition(".dist-info/")[2] or name for name in ours if ours[name] != built[name]}
    assert differ <= {"WHEEL", "RECORD", "METADATA"}
    (metadata,) = [name for name in ours if name.endswith("/METADATA")]
    assert ours[metadata].partition(b"\n\n")[0] == built[metadata].partition(b"\n\n")[0]
    assert [name for name in ours if not name.endswith((".py", ".mako", "app.yml")) and ".dist-info/" not in name] == []


def test_it_is_the_same_at_each_start():
    again = wheel.__wrapped__()
    assert again == wheel()


def test_it_installs_and_runs_without_the_server(server: Server, tmp_path: Path):
    page = server.send("GET", "/download")
    name = wheel().name
    assert page.text.count(f"https://mergecost.example/download/{name}") == 2
    assert "mergecost login https://mergecost.example" in page.text
    answer = server.send("GET", f"/download/{name}")
    assert answer.headers["content-type"] == "application/octet-stream"
    file = tmp_path / name
    file.write_bytes(answer.content)
    target = tmp_path / "there"
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        "--target",
        str(target),
        str(file),
    ]
    subprocess.run(install, check=True, capture_output=True, env=os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"})
    code = "from collector.command import main; import sys, collector; print(collector.__file__); sys.exit(main(['--version']))"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(target), "HOME": str(tmp_path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert run.stdout.splitlines() == [str(target / "collector/__init__.py"), f"mergecost {name.split('-')[1]}"]


@pytest.mark.parametrize("name", ["mergecost-0.0.1-py3-none-any.whl", "app.yml", "..%2fapp.yml", "x"])
def test_another_file_is_not_there(server: Server, name: str):
    answer = server.send("GET", f"/download/{name}")
    assert answer.status_code == 404
    assert wheel().name in answer.text or "Not Found" in answer.text
