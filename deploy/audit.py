"""`make audit`: known weaknesses of everything that is pinned. Exit status 1: there is one.

Where a registry does not answer, that is said and no failure: a weakness that nobody can look up is no reason to stop work.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


def main() -> int:
    locks = sorted((ROOT / "deploy" / "lock").glob("*.txt"))
    folders = sorted(path.parent for path in ROOT.glob("*/*/package-lock.json"))
    return int(any([*map(_python, locks), *map(_npm, folders)]))


def _python(lock: Path) -> bool:
    """Whether a package of a lock file has a known weakness."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", lock, "--require-hashes", "--disable-pip"]
    answer = _json([*command, "--format", "json", "--progress-spinner", "off"])
    packages = answer.get("dependencies", [])
    weak = [package for package in packages if package.get("vulns")]
    _report(lock, sum("vulns" in package for package in packages), [f"{it['name']} {it['version']}" for it in weak])
    return bool(weak)


def _npm(folder: Path) -> bool:
    """Whether a package of a folder's package-lock.json has a known weakness."""
    answer = _json(["npm", "--prefix", folder, "audit", "--package-lock-only", "--json"])
    weak = sorted(answer.get("vulnerabilities", {}))
    _report(folder / "package-lock.json", answer.get("metadata", {}).get("dependencies", {}).get("total", 0), weak)
    return bool(weak)


def _json(command: list[str | Path]) -> dict[str, Any]:
    try:
        return json.loads(subprocess.run(command, check=False, capture_output=True, text=True, timeout=120).stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return {}


def _report(lock: Path, count: int, weak: list[str]) -> None:
    said = f"{count} packages looked up" if count else "NOT looked up: the registry does not answer"
    print(f"{lock.relative_to(ROOT)}: {said}; weak: {', '.join(weak) or 'none known'}")


if __name__ == "__main__":
    sys.exit(main())
