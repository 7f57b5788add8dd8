"""A virtual environment for each family of packages, since their pins conflict."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from scripts.workspace import read_packages

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".bench"
_REQUIREMENTS = Path(__file__).resolve().parent / "requirements"


def prepare(family: str) -> Path:
    """Return the Python of a family's environment, which is created if missing or outdated."""
    requirements = _REQUIREMENTS / f"{family}.txt"
    own = _backends() if family == "chatstore" else []
    content = requirements.read_text() + "".join(own)
    digest = hashlib.sha256(content.encode()).hexdigest()
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


def _backends() -> list[str]:
    """Return the folders of the packages that need no framework."""
    folders = [folder for folder in read_packages(ROOT) if not folder.startswith("integrations/")]
    return [str(ROOT / folder) for folder in folders]


def _uv(*arguments: str) -> None:
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "--quiet", *arguments], check=True)


def plain_environment() -> dict[str, str]:
    """Return a worker's environment variables, without those that select another environment."""
    inherited = ("PATH", "HOME", "LANG", "TMPDIR")
    variables = {name: os.environ[name] for name in inherited if name in os.environ}
    # boto3 sends nothing without credentials, not even to moto.
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "secret-of-tests"}
    return {**variables, **keys, "NO_PROXY": "*"}


def run_charts(results: Path, folder: Path) -> None:
    """Draw the charts of a run into a folder."""
    command = [str(prepare("charts")), "-m", "benchmarks.charts", str(results), str(folder)]
    subprocess.run(command, check=True, cwd=ROOT)
