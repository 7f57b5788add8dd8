"""The demo, run as `make demo` runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from chatstore.core import from_openai
from chatstore.sqlite import SQLiteChatStore

ROOT = Path(__file__).resolve().parent.parent
HI = {"role": "user", "content": "hi"}
HELLO = {"role": "assistant", "content": "hello"}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "examples.demo", *map(str, arguments)]


def run_demo(tmp_path: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "80"}
    return subprocess.run(
        command(*arguments),
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def database(tmp_path: Path) -> SQLiteChatStore:
    return SQLiteChatStore(tmp_path / ".demo" / "latest" / "chat.db")


def entries_of(tmp_path: Path) -> list[str]:
    folder = tmp_path / ".demo"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_sample_is_stored_by_two_processes(tmp_path: Path) -> None:
    done = run_demo(tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert "continued it: 18 messages" in done.stdout
    assert "find_trains(…), find_hotels(…)" in done.stdout
    assert done.stdout.count("accepted") == 4
    assert "system prompt and newest 2" in done.stdout
    assert all(len(line) <= 80 for line in done.stdout.splitlines() if "database" not in line)
    with database(tmp_path) as store:
        assert store.count_messages("travel office/Gruber") == 18


def test_a_run_replaces_the_one_before(tmp_path: Path) -> None:
    file = tmp_path / "c.jsonl"
    for text in ("first", "second"):
        file.write_text(json.dumps({"key": text, "messages": [HI]}), encoding="utf-8")
        assert run_demo(tmp_path, file).returncode == 0
    assert entries_of(tmp_path) == ["latest"]
    with database(tmp_path) as store:
        assert store.get_keys() == ["second"]


CONVERSATIONS = [{"key": f"k/{n}", "messages": [HI, HELLO] * n} for n in range(1, 4)]
ODD_TEXT = "line separator \u2028, next line \x85, paragraph \u2029, feed \x0c, unit \x1f"
FORMS = {
    "lines": "\n".join(map(json.dumps, CONVERSATIONS)),
    "CRLF and blank lines": "\r\n\r\n".join(map(json.dumps, CONVERSATIONS)) + "\r\n",
    "array": json.dumps(CONVERSATIONS, indent=2),
    "array in one line": json.dumps(CONVERSATIONS),
    "byte order mark": "\ufeff" + "\n".join(map(json.dumps, CONVERSATIONS)),
    "byte order mark and array": "\ufeff" + json.dumps(CONVERSATIONS),
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_forms_of_files(tmp_path: Path, text: str) -> None:
    (tmp_path / "c").write_text(text, encoding="utf-8", newline="")

    done = run_demo(tmp_path, "c")

    assert (done.returncode, done.stderr) == (0, "")
    assert "3 conversations with 12 messages" in done.stdout
    with database(tmp_path) as store:
        assert sorted(store.get_keys()) == ["k/1", "k/2", "k/3"]


def test_lines_end_at_line_feeds_only(tmp_path: Path) -> None:
    message = {"role": "user", "content": ODD_TEXT}
    text = json.dumps({"key": "k", "messages": [message]}, ensure_ascii=False)
    (tmp_path / "c.jsonl").write_text(text + "\n", encoding="utf-8")

    done = run_demo(tmp_path, "c.jsonl")

    assert (done.returncode, done.stderr) == (0, "")
    with database(tmp_path) as store:
        assert store.get_messages("k") == [from_openai(message)]


def test_conversations_without_keys_are_named_after_their_lines(tmp_path: Path) -> None:
    lines = [json.dumps({"messages": [HI, HELLO]})] * 2
    (tmp_path / "c.jsonl").write_text("\n".join(lines), encoding="utf-8")

    assert run_demo(tmp_path, "c.jsonl").returncode == 0
    with database(tmp_path) as store:
        assert sorted(store.get_keys()) == ["line 1", "line 2"]


BAD_FILES = {
    "not JSON": (b'{"key": "a", "messages": []}\n{"key"\n', "line 2: it is not JSON"),
    "no messages": (b'{"key": "a"}', "line 1: it has no list of messages; expected"),
    "another format": (b'{"conversations": [{"from": "human"}]}', "line 1: it has no list"),
    "no object": (b"7", "line 1: it has no list of messages"),
    "no role": (b'{"messages": [{"content": "hi"}]}', "line 1: message 0 has no role"),
    "unknown role": (b'{"messages": [{"role": "usr"}]}', "unknown role; known roles: assistant"),
    "bad content": (b'{"messages": [{"role": "user", "content": 7}]}', "message 0 is not valid"),
    "long key": (b'{"key": "' + b"a" * 300 + b'", "messages": []}', "this one has 300"),
    "key not text": (b'{"key": 7, "messages": []}', "line 1: a key must be a string"),
    "same key": (b'{"key": "a", "messages": [{"role": "user"}]}\n' * 2, "line 2: the key occurred"),
    "not UTF-8": (b'{"key": "\xe9"}', "line 1: byte 10 is not UTF-8"),
    "not UTF-8 in an array": (b'[{"key": "\xe9"}]', "it is not UTF-8"),
    "array cut short": (b'[{"key": "a", "messages": []}, {"key"', "item 2: it is not JSON, or"),
    "deep array": (b"[" * 100_000, "too deep"),
    "deep line": (b'{"a":' + b"[" * 100_000, "too deep"),
    "empty": (b"", "it has no conversation"),
    "blank lines": (b"\n \n", "it has no conversation"),
}


@pytest.mark.parametrize(("content", "reason"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_files_end_in_one_sentence_and_leave_nothing(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    (tmp_path / "c.jsonl").write_bytes(content)

    done = run_demo(tmp_path, "c.jsonl")

    assert (done.returncode, done.stderr) == (2, "")
    assert reason in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert entries_of(tmp_path) == []


def test_missing_file_is_named(tmp_path: Path) -> None:
    done = run_demo(tmp_path, "missing.jsonl")

    assert done.returncode == 2
    assert "missing.jsonl: No such file" in done.stdout
    assert entries_of(tmp_path) == []


def write_many(path: Path, count: int) -> None:
    contents = ("hello there " * 10, "a longer answer " * 20)
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            messages = [HI | {"content": contents[0]}, HELLO | {"content": contents[1]}] * 3
            file.write(json.dumps({"key": f"k/{number}", "messages": messages}) + "\n")


def test_a_bad_line_in_a_large_file_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    write_many(path, 1000)
    with path.open("a", encoding="utf-8") as file:
        file.write("{\n")

    done = run_demo(tmp_path, path)

    assert (done.returncode, done.stderr) == (2, "")
    assert "line 1001: it is not JSON" in done.stdout
    assert entries_of(tmp_path) == []


PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
"""


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    peaks = []
    for count in (400, 8_000):
        path = tmp_path / f"{count}.jsonl"
        write_many(path, count)
        done = subprocess.run(
            [sys.executable, "-c", PEAK, *command(path)],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        )
        assert f"{count:,} conversations" in done.stdout
        peaks.append(int(done.stderr.split()[-1]))
    assert peaks[1] < peaks[0] * 1.25


def children_of(pid: int) -> list[str]:
    tasks = Path(f"/proc/{pid}/task")
    return [child for task in tasks.iterdir() for child in (task / "children").read_text().split()]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_killed_runs_are_swept_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    write_many(path, 20_000)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    killed = subprocess.Popen(
        command(path), cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    )
    with killed:
        assert killed.stdout is not None
        assert "conversations" in killed.stdout.readline()  # a line is printed while it works
        workers = children_of(killed.pid)
        assert workers
        killed.kill()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
    assert [name.split("-")[0] for name in entries_of(tmp_path)] == ["run"]
    assert run_demo(tmp_path).returncode == 0
    assert entries_of(tmp_path) == ["latest"]


def test_refused_window_fails_the_demo(tmp_path: Path) -> None:
    broken = (
        "import sys, chatstore.cli.demo.windows as windows, examples.demo.__main__ as demo;"
        "windows.window_violations = lambda *a: ['a planted violation'];"
        "sys.exit(demo.main([]))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}

    done = subprocess.run(
        [sys.executable, "-c", broken],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 1
    assert "planted" in done.stdout
    assert entries_of(tmp_path) == []
