"""Each wheel installs alone, shows its types, and leaves the others whole when it goes."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
UV = shutil.which("uv", path=Path(sys.executable).parent) or "uv"
PACKAGES = {
    "chatstore-core": (ROOT / "core", "core"),
    "chatstore-sqlite": (ROOT / "packages" / "chatstore-sqlite", "sqlite"),
}
USE = """
from chatstore.sqlite import SQLiteChatStore
from chatstore.core import ChatMessage

with SQLiteChatStore("chat.db") as store:
    store.add_message("k", ChatMessage(role="user", content="hi"))
    number: int = store.count_messages("k")
    print(number, store.get_messages("k")[0].content)
"""


def run(*command, cwd=None):
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheels")
    for source, _ in PACKAGES.values():
        run(UV, "build", "--quiet", "--wheel", "--no-build-isolation", "--out-dir", folder, source)
    return folder


@pytest.fixture
def python(tmp_path, wheels):
    """Return a function that runs a Python with nothing but the wheels asked for."""
    run(UV, "venv", "--quiet", "--python", sys.executable, tmp_path / "empty")
    return tmp_path / "empty" / "bin" / "python"


def install(python, wheels, name):
    run(UV, "pip", "install", "--quiet", "--python", python, "--find-links", wheels, name)


@pytest.mark.parametrize(("name", "leaf"), [(n, leaf) for n, (_, leaf) in PACKAGES.items()])
def test_wheel_holds_its_own_leaf(wheels, name, leaf):
    (wheel,) = wheels.glob(f"{name.replace('-', '_')}-*.whl")
    names = [item for item in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in item]

    assert f"chatstore/{leaf}/py.typed" in names
    assert [item for item in names if not item.startswith(f"chatstore/{leaf}/")] == []


def test_core_alone(python, wheels):
    install(python, wheels, "chatstore-core")

    out = run(
        python, "-c", "import chatstore.core as c; print(c.__version__, c.open_store('memory://'))"
    )
    assert out.startswith("0.1.0 ")
    refused = """
import chatstore.core as c
try:
    c.open_store("sqlite:///x.db")
except c.UnknownSchemeError as e:
    print(e)
"""
    assert "pip install chatstore-sqlite" in run(python, "-c", refused)


def test_sqlite_brings_core_and_types_and_leaves_it_whole(python, wheels, tmp_path):
    install(python, wheels, "chatstore-sqlite")
    (tmp_path / "use.py").write_text(USE)
    (tmp_path / "wrong.py").write_text(USE.replace("number: int", "number: str"))

    assert run(python, "use.py", cwd=tmp_path) == "1 hi\n"
    mypy = [sys.executable, "-m", "mypy", "--strict", "--python-executable", python]
    run(*mypy, "use.py", cwd=tmp_path)
    pyright = [sys.executable, "-m", "pyright", "--pythonpath", python]
    run(*pyright, "use.py", cwd=tmp_path)
    for checker in (mypy, pyright):
        with pytest.raises(AssertionError, match="int"):
            run(*checker, "wrong.py", cwd=tmp_path)

    run(UV, "pip", "uninstall", "--quiet", "--python", python, "chatstore-sqlite")
    assert "memory" in run(python, "-c", "import chatstore.core; print('memory')")
    gone = "import importlib.util as u; print(u.find_spec('chatstore.sqlite'))"
    assert run(python, "-c", gone) == "None\n"
