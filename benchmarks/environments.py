"""An environment for each family of packages, since their pins exclude each other."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".bench"
_REQUIREMENTS = Path(__file__).resolve().parent / "requirements"
_OWN = (
    "core",
    "packages/chatstore-azure",
    "packages/chatstore-cosmos",
    "packages/chatstore-dynamodb",
    "packages/chatstore-redis-scripts",
    "packages/chatstore-postgres",
    "packages/chatstore-conditional",
    "packages/chatstore-redis",
    "packages/chatstore-sqlite",
    "packages/chatstore-upstash",
)


def prepare(family: str) -> Path:
    """Return the Python of a family's environment; it is made where it is missing or outdated."""
    requirements = _REQUIREMENTS / f"{family}.txt"
    own = [str(ROOT / folder) for folder in _OWN] if family == "chatstore" else []
    wanted = requirements.read_text() + "".join(own)
    digest = hashlib.sha256(wanted.encode()).hexdigest()
    folder = FOLDER / family
    python, stamp = folder / "bin" / "python", folder / "stamp"
    if stamp.exists() and stamp.read_text() == digest:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    _uv("venv", str(folder), "--python", sys.executable)
    install = ("pip", "install", "--python", str(python))
    _uv(*install, "--require-hashes", "-r", str(requirements))
    if own:
        _uv(*install, "--no-sources", "--no-deps", *(word for path in own for word in ("-e", path)))
    stamp.write_text(digest)
    return python


def _uv(*arguments: str) -> None:
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "--quiet", *arguments], check=True)


def plain_environment() -> dict[str, str]:
    """Return the variables for a worker: none that would lead it into another environment."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    given = {name: os.environ[name] for name in kept if name in os.environ}
    # What moto asks for: boto3 sends nothing without credentials.
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "secret-of-tests"}
    return {**given, **keys, "NO_PROXY": "*"}


def run_charts(results: Path, folder: Path) -> None:
    """Draw the charts of a run into a folder."""
    command = [str(prepare("charts")), "-m", "benchmarks.charts", str(results), str(folder)]
    subprocess.run(command, check=True, cwd=ROOT)
