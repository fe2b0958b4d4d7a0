"""The client that this server hands out: a wheel of this very version, put together from the files that run here.

So it is there however the server was installed: from a wheel, in a container or from a checkout. Its files are those that the build
backend takes (`pyproject.toml`), and its bytes are the same at each start.
https://packaging.python.org/en/latest/specifications/binary-distribution-format/
"""

import base64
import functools
import hashlib
import io
import zipfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import msgspec

_ROOT = Path(__file__).parents[1]
_FOLDERS = ("attribution", "bot", "collector", "deploy/migrations", "webhooks")
_SUFFIXES = (".mako", ".py")
_OTHERS = ("app.yml",)
# Zip knows no earlier time. A file's own would differ from machine to machine.
_TIME = (1980, 1, 1, 0, 0, 0)
_WHEEL = b"Wheel-Version: 1.0\nGenerator: mergecost\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


class Wheel(msgspec.Struct, frozen=True):
    """A file that pip, pipx and uv install."""

    name: str
    content: bytes


@functools.cache
def wheel() -> Wheel:
    """Takes some tenths of a second, once. Raises OSError or importlib.metadata.PackageNotFoundError."""
    own = distribution("mergecost")
    info = f"mergecost-{own.version}.dist-info"
    files = dict(_sources())
    files |= {f"{info}/{name}": (own.read_text(name) or "").encode() for name in ("METADATA", "entry_points.txt")}
    files[f"{info}/licenses/LICENSE"] = (own.read_text("licenses/LICENSE") or "").encode()
    files[f"{info}/WHEEL"] = _WHEEL
    record = f"{info}/RECORD"
    lines = [f"{name},sha256={_digest(content)},{len(content)}\n" for name, content in files.items()]
    files[record] = "".join([*lines, f"{record},,\n"]).encode()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _TIME)
            entry.external_attr = 0o100644 << 16
            target.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return Wheel(f"mergecost-{own.version}-py3-none-any.whl", archive.getvalue())


def _sources() -> Iterator[tuple[str, bytes]]:
    paths = [path for folder in _FOLDERS for path in (_ROOT / folder).rglob("*") if path.suffix in _SUFFIXES]
    paths += [_ROOT / name for name in _OTHERS]
    for path in sorted(paths):
        yield path.relative_to(_ROOT).as_posix(), path.read_bytes()


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
