"""Texts for which tiktoken fails or is slow, and tiktoken without a network."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest
import tiktoken

from chatstore.core import ChatMemoryBuffer, ChatMessage
from chatstore.core.tokens import TokenCounter, encodings, offline, shipped
from chatstore.core.tokens.estimate import estimate_tokens
from chatstore.core.tokens.pieces import pieces_of

ENCODING = tiktoken.Encoding(
    "bytes",
    pat_str=r"\s+(?!\S)|\s+|\S+",
    mergeable_ranks={bytes([byte]): byte for byte in range(256)},
    special_tokens={"<|endoftext|>": 256},
)


class Loaded:
    """The loading of an encoding that is done."""

    waited = True

    def __init__(self, encoding: Any) -> None:
        """Take an encoding."""
        self.encoding = encoding


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Return a function that puts an encoding in the place of the default one."""

    def puts(encoding: Any) -> None:
        monkeypatch.setitem(
            encodings._loadings,
            encodings.DEFAULT_ENCODING,
            Loaded(encoding),
        )

    return puts


HARD = {
    "blanks": " " * 1_000_000,
    "blanks and a word": " " * 1_000_000 + "x",
    "line ends": "\n" * 1_000_000,
    "letters": "a" * 1_000_000,
    "punctuation": "=" * 1_000_000,
}


def test_texts_that_tiktoken_fails_on() -> None:
    with pytest.raises(BaseException, match=r"Regex|StackOverflow") as caught:
        ENCODING.encode(HARD["blanks"], disallowed_special=())

    # tiktoken 0.7 lets its Rust code panic, newer versions raise an error.
    assert type(caught.value).__name__ in {"ValueError", "PanicException"}


@pytest.mark.parametrize("name", HARD)
def test_long_texts_are_counted_in_pieces(load: Callable[[Any], None], name: str) -> None:
    load(ENCODING)

    assert TokenCounter().count_text(HARD[name]) == len(HARD[name])
    buffer = ChatMemoryBuffer(3_000_000)
    buffer.put(ChatMessage(role="user", content=HARD[name]))
    assert len(buffer.get()) == 1


@pytest.mark.parametrize("name", HARD)
def test_a_repeated_piece_is_encoded_once(load: Callable[[Any], None], name: str) -> None:
    encoded: list[str] = []

    class Encoding:
        def encode(self, text: str, **options: Any) -> str:
            encoded.append(text)
            return text

    load(Encoding())

    assert TokenCounter().count_text(HARD[name]) == len(HARD[name])
    assert len(encoded) <= 3


@pytest.mark.parametrize("text", ["a word " * 5_000, "x" * 2047 + " y" * 5_000, "日本 語" * 3_000])
def test_pieces_are_cut_where_tokens_end(text: str) -> None:
    pieces = list(pieces_of(text))

    assert "".join(pieces) == text
    assert len(pieces) > 1
    assert all(piece.startswith(" ") for piece in pieces[1:])


def test_special_tokens_are_text(load: Callable[[Any], None]) -> None:
    load(ENCODING)

    assert TokenCounter().count_text("<|endoftext|>") == len("<|endoftext|>")


class PanicException(BaseException):
    """The exception of older versions of tiktoken."""


class Failing:
    """An encoding that fails."""

    def __init__(self, error: type[BaseException]) -> None:
        """Set the exception that `encode` raises."""
        self._error = error

    def encode(self, text: str, **options: Any) -> list[int]:
        """Raise the exception."""
        raise self._error


@pytest.mark.parametrize("error", [ValueError, RuntimeError, MemoryError, PanicException])
def test_what_tiktoken_fails_on_is_estimated(
    load: Callable[[Any], None], error: type[BaseException]
) -> None:
    load(Failing(error))

    assert TokenCounter().count_text("some words here") == estimate_tokens("some words here")


def test_an_interrupt_is_not_swallowed(load: Callable[[Any], None]) -> None:
    load(Failing(KeyboardInterrupt))

    with pytest.raises(KeyboardInterrupt):
        TokenCounter().count_text("words that were never counted before")


@pytest.fixture
def slow_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> threading.Event:
    """Let every loading wait for an event, in a directory for temporary files of its own."""
    answer = threading.Event()

    def get_encoding(name: str) -> Any:
        answer.wait(50)
        return ENCODING

    monkeypatch.setattr(tiktoken, "get_encoding", get_encoding)
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(encodings, "_loadings", {})
    monkeypatch.setattr(encodings._state, "has_warned", False)
    monkeypatch.setattr(encodings, "PATIENCE", 0.01)
    monkeypatch.setattr(encodings, "BRIEF_PATIENCE", 0.005)
    return answer


def patience_of_next_process(monkeypatch: pytest.MonkeyPatch) -> float | None:
    """Return for how long a new process would wait for the vocabulary."""
    monkeypatch.setattr(encodings, "_loadings", {})
    waited: list[float | None] = []
    join = threading.Thread.join

    def note(thread: threading.Thread, timeout: float | None = None) -> None:
        waited.append(timeout)
        join(thread, timeout)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "join", note)
        encodings.load_encoding("o200k_base")
    return waited[0]


@pytest.mark.filterwarnings("ignore::chatstore.core.tokens.TokenEstimateWarning")
def test_a_vocabulary_that_did_not_come_is_waited_for_once_an_hour(
    slow_network: threading.Event, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert patience_of_next_process(monkeypatch) == encodings.PATIENCE
    assert patience_of_next_process(monkeypatch) == encodings.BRIEF_PATIENCE
    [note] = tmp_path.iterdir()
    os.utime(note, (0, note.stat().st_mtime - offline.FORGET_AFTER - 1))
    assert patience_of_next_process(monkeypatch) == encodings.PATIENCE
    slow_network.set()
    loading = encodings._loadings["o200k_base"]
    loading._thread.join(50)
    assert loading.encoding is ENCODING
    for thread in threading.enumerate():
        if thread.name.startswith("tiktoken"):
            thread.join(50)
    assert list(tmp_path.iterdir()) == []


def test_the_warning_names_what_to_do(
    slow_network: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)

    with pytest.warns(encodings.TokenEstimateWarning, match=r"TIKTOKEN_CACHE_DIR \(not set\)"):
        encodings.load_encoding("o200k_base")
    slow_network.set()


def test_a_vocabulary_that_a_package_ships_is_not_downloaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "packages" / "llama_index"
    source = package / "core" / "_static" / "tiktoken_cache"
    source.mkdir(parents=True)
    name = "fb374d419588a4632f3f557e76b4b70aebbca790"  # tiktoken's name for o200k_base
    (source / name).write_text("vocabulary")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    spec = ModuleSpec("llama_index", None, is_package=True)
    spec.submodule_search_locations = [str(package)]
    monkeypatch.setattr(shipped, "find_spec", lambda _: spec)
    cached = tmp_path / "data-gym-cache" / name

    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "own"))
    shipped.provide_vocabulary("o200k_base")
    assert not cached.exists()
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR")
    shipped.provide_vocabulary("cl100k_base")
    shipped.provide_vocabulary("o200k_base")
    assert [path.name for path in cached.parent.iterdir()] == [name]
    assert cached.read_text() == "vocabulary"


def test_another_users_note_is_not_believed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    victim = tmp_path / "victim"
    victim.write_text("kept")
    os.utime(victim, (0, 0))
    offline._path("x").symlink_to(victim)
    os.utime(offline._path("x"), (0, 0), follow_symlinks=False)

    offline.note_failure("x")

    assert victim.read_text() == "kept"
    assert not offline._path("x").is_symlink()
    assert offline.has_failed_recently("x")
    monkeypatch.setattr(os, "getuid", lambda: -5)
    assert not offline.has_failed_recently("x")


FORK = """
import os, sys, threading, tiktoken
from chatstore.core.tokens import encodings
answer = threading.Event()
def get_encoding(name):
    answer.wait(50)
    return "loaded"
tiktoken.get_encoding = get_encoding
encodings.PATIENCE = encodings.BRIEF_PATIENCE = 0.01
def load():
    import warnings
    warnings.simplefilter("ignore")
    encodings.load_encoding("o200k_base")
load()
pid = os.fork()
if pid == 0:
    answer.set()
    encodings.PATIENCE = encodings.BRIEF_PATIENCE = 50
    load()
    os._exit(0 if encodings.find_encoding("o200k_base") == "loaded" else 1)
answer.set()
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_child_loads_what_its_parent_was_loading() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK],
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )

    assert done.stdout.strip() == "0", done.stderr
