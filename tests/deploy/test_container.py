"""The container, Compose and the unit, as far as their texts say it: nothing here starts them."""

import os
import re
import subprocess
import tomllib
from pathlib import Path, PurePosixPath

import pytest
import yaml
from inline_snapshot import snapshot

from webhooks.connections import Limits
from webhooks.github import CAP_BYTES
from webhooks.serve import _CUT_SECONDS
from webhooks.server import STOP_SECONDS
from webhooks.usage import LIMITS

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text()
CADDYFILE = (ROOT / "deploy/Caddyfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "deploy/compose.yml").read_text())
SERVICES = COMPOSE["services"]
UNIT = (ROOT / "deploy/mergecost.service").read_text()
# What a process needs beside its connections: the database, calls of GitHub, logs.
OTHER_FILES = 200


def is_ignored(path: str) -> bool:
    """As https://docs.docker.com/build/concepts/context/#syntax says it: the last line that fits decides."""
    ignored = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.strip().removeprefix("!")
        if not pattern or pattern.startswith("#"):
            continue
        names = re.escape(pattern).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")
        parts = [PurePosixPath(path), *PurePosixPath(path).parents]
        if any(re.fullmatch(names, str(part)) for part in parts if str(part) != "."):
            ignored = not line.startswith("!")
    return ignored


@pytest.mark.parametrize(
    "path",
    [
        ".git/config", ".venv/bin/python", ".env", "deploy/.env", "deploy/.env.production", "data/app.json", "app.json", "mergecost.pem",
        "deploy/key.pem", "bot/store/mergecost.db", "mergecost.db-wal", "deploy/setup-secret", "setup-secret", "tests/world.py",
        ".mergecost/app.json", "bot/.mergecost/x", "mergecost.toml", "bot/__pycache__/x.pyc", "benchmarks/soak/place.py",
    ],
)  # fmt: skip
def test_no_key_no_database_and_nothing_that_is_not_needed_gets_into_the_image(path: str):
    assert is_ignored(path)


def test_all_that_the_image_is_built_from_gets_there():
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = [
        "pyproject.toml",
        "README.md",
        "deploy/lock/server.txt",
        "deploy/lock/bootstrap.txt",
    ]
    places = [ROOT / name for name in wheel["only-include"]]
    files = [path for place in places for path in ([place] if place.is_file() else place.rglob("*.py"))]
    needed += [str(path.relative_to(ROOT)) for path in files]
    assert [path for path in needed if is_ignored(path)] == []


def test_images_have_a_version_and_can_be_named_by_their_digest():
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) == ["${PYTHON_IMAGE}"] * 2
    defaults = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", DOCKERFILE, re.MULTILINE)
    images = [service["image"] for service in SERVICES.values() if "image" in service]
    images.append(SERVICES["mergecost"]["build"]["args"]["PYTHON_IMAGE"])
    for image in images:
        match = re.fullmatch(r"\$\{([A-Z]+_IMAGE):-([a-z]+:[\w.-]+)\}", image)
        assert match, image
        assert any(part.isdigit() for part in re.split(r"\W", match[2])), "a version, not `latest`"
    assert defaults == [images[-1].removeprefix("${PYTHON_IMAGE:-").removesuffix("}")]


def test_the_digests_of_all_images_are_asked_of_the_registry(tmp_path: Path):
    docker = tmp_path / "docker"
    docker.write_text('#!/bin/sh\n[ "$1 $2 $3" = "buildx imagetools inspect" ] && echo "sha256:of-$4"\n')
    docker.chmod(0o755)
    environ = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    answer = subprocess.run(["make", "-s", "images"], cwd=ROOT, env=environ, capture_output=True, text=True, check=True)
    assert answer.stdout == snapshot("""\
CADDY_IMAGE=caddy:2.10@sha256:of-caddy:2.10
PYTHON_IMAGE=python:3.13-slim@sha256:of-python:3.13-slim
POSTGRES_IMAGE=postgres:18@sha256:of-postgres:18
""")


def test_what_is_installed_is_what_the_lock_files_say():
    installs = re.findall(r"pip install ([^\n&\\]+)", DOCKERFILE)
    assert all("--require-hashes" in install or "--no-deps /tmp/wheel" in install for install in installs)
    assert "ADD " not in DOCKERFILE
    assert "curl" not in DOCKERFILE


def test_the_proxy_alone_has_ports_and_leads_to_the_servers():
    assert {name: service.get("ports") for name, service in SERVICES.items() if "ports" in service} == {
        "proxy": ["80:80", "443:443"]
    }
    (port,) = re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE)
    assert f"reverse_proxy mergecost:{port}" in CADDYFILE
    assert f"http://127.0.0.1:{port}/healthz" in DOCKERFILE
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert SERVICES["database"]["networks"] == ["inside"]


def test_the_server_runs_without_rights_and_keeps_its_data_to_itself():
    server = SERVICES["mergecost"]
    assert server["cap_drop"] == ["ALL"]
    assert server["read_only"] is True
    assert "no-new-privileges:true" in server["security_opt"]
    assert re.search(r"^USER mergecost$", DOCKERFILE, re.MULTILINE)
    assert "install -d -o mergecost -m 700 /data" in DOCKERFILE
    assert server["volumes"] == ["data:/data"]
    secrets = re.compile(r"(?i)password|secret|key")
    plain = [line for line in DOCKERFILE.splitlines() if line.startswith(("ENV", "ARG")) and secrets.search(line)]
    assert plain == [], "layers keep what they are given"


def test_there_are_files_enough_for_all_connections():
    least = Limits().most + OTHER_FILES
    assert SERVICES["mergecost"]["ulimits"]["nofile"] >= least
    assert int(re.findall(r"^LimitNOFILE=(\d+)$", UNIT, re.MULTILINE)[0]) >= least


def test_whoever_stops_the_server_waits_until_it_has_finished():
    assert int(SERVICES["mergecost"]["stop_grace_period"].removesuffix("s")) > _CUT_SECONDS > 2 * STOP_SECONDS
    assert int(re.findall(r"^TimeoutStopSec=(\d+)$", UNIT, re.MULTILINE)[0]) > _CUT_SECONDS


def test_the_proxy_takes_what_the_server_takes_and_no_more():
    # Caddy's MB is a million bytes, its MiB what GitHub means: https://caddyserver.com/docs/caddyfile/directives/request_body
    units = {"": 1, "s": 1, "KiB": 1024, "MiB": 1024 * 1024, "KB": 1000, "MB": 1_000_000}
    found = re.findall(r"(\w+) (\d+)(s|[KM]i?B)?$", CADDYFILE, re.MULTILINE)
    numbers = {name: int(value) * units[unit] for name, value, unit in found}
    assert CAP_BYTES <= numbers["max_size"] <= CAP_BYTES + 1024 * 1024
    assert numbers["max_header_size"] == Limits().most_head_bytes
    assert LIMITS.seconds <= numbers["read_body"] <= LIMITS.seconds + 5
    assert numbers["read_header"] <= Limits().seconds
    assert numbers["max_conns_per_host"] < Limits().most
    assert numbers["keepalive"] < 5, "uvicorn closes what idles for so long"
