"""The demo, run as `make demo` runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def run_demo(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "80"}
    return subprocess.run(
        [sys.executable, "-m", "examples.demo", *arguments],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def path_of(output: str) -> Path:
    return Path(output.strip().splitlines()[-1].removeprefix("Kept in "))


def test_sample_is_kept_by_two_processes(tmp_path):
    done = run_demo(tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert "continued it: 18 messages" in done.stdout
    assert "find_trains(…), find_hotels(…)" in done.stdout
    assert done.stdout.count("accepted") == 4
    assert path_of(done.stdout).is_file()
    assert all(len(line) <= 80 for line in done.stdout.splitlines() if "Kept in" not in line)


def test_file_of_conversations(tmp_path):
    file = tmp_path / "c.jsonl"
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    lines = [json.dumps({"key": f"k/{n}", "messages": messages * n}) for n in range(1, 4)]
    file.write_text("\n".join(lines), encoding="utf-8")

    done = run_demo(tmp_path, str(file))

    assert (done.returncode, done.stderr) == (0, "")
    assert "3 conversations with 12 messages kept" in done.stdout


def test_bad_line_is_named(tmp_path):
    file = tmp_path / "c.jsonl"
    file.write_text('{"key": "a", "messages": []}\n{"key": 1}\n', encoding="utf-8")

    done = run_demo(tmp_path, str(file))

    assert done.returncode == 2
    assert "line 2" in done.stdout


def test_missing_file_is_named(tmp_path):
    done = run_demo(tmp_path, "missing.jsonl")

    assert done.returncode == 2
    assert "missing.jsonl" in done.stdout


def test_refused_window_fails_the_demo(tmp_path):
    broken = (
        "import sys, examples.demo.windows as windows, examples.demo.__main__ as demo;"
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
