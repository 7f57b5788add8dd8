"""The folder of the demo's database, which the next run replaces."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = Path(".demo")
_RUN, _LATEST = "run-", "latest"


@contextmanager
def new_database() -> Iterator[Path]:
    """Yield the path of a new database, and delete it if the run fails.

    The database of a successful run replaces the previous one; see `latest`.
    """
    FOLDER.mkdir(exist_ok=True)
    for leftover in FOLDER.glob(f"{_RUN}*"):  # of runs that were killed
        if not _is_running(leftover):
            shutil.rmtree(leftover, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{_RUN}{os.getpid()}-", dir=FOLDER))
    try:
        yield folder / "chat.db"
        shutil.rmtree(FOLDER / _LATEST, ignore_errors=True)
        folder.rename(FOLDER / _LATEST)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if not any(FOLDER.iterdir()):
            FOLDER.rmdir()


def latest() -> Path:
    """Return the path of the database of the last successful run."""
    return (FOLDER / _LATEST / "chat.db").absolute()


def _is_running(folder: Path) -> bool:
    pid = folder.name.removeprefix(_RUN).partition("-")[0]
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except OSError:
        return True  # a process of another user
    return True
