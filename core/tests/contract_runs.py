"""Run tests of a contract in separate processes, since many of them must fail."""

from __future__ import annotations

import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

PROCESSES = 3  # at the same time: most tests wait for something
TIMEOUT = 600  # seconds for all


def run_tests(folder: Path, names: list[str]) -> dict[str, str | None]:
    """Run tests of ``test_suite.py``; return why each failed, or ``None`` if it passed, by name.

    A name without parameters selects a test with all its parameters.
    """
    groups = [names[start::PROCESSES] for start in range(PROCESSES)]
    running = [_start(folder / f"out{n}", group) for n, group in enumerate(groups) if group]
    deadline = time.monotonic() + TIMEOUT
    try:
        codes = [process.wait(max(0, deadline - time.monotonic())) for process, _ in running]
    finally:
        for process, _ in running:
            process.kill()
    results: dict[str, str | None] = {}
    for code, (_, report) in zip(codes, running, strict=True):
        output = report.with_suffix(".txt").read_text()[-3000:]
        assert code in (0, 1), output  # no usage or import error
        for case in ET.parse(report.with_suffix(".xml")).iter("testcase"):
            name = f"{case.get('classname', '').rpartition('.')[2]}::{case.get('name')}"
            assert case.find("error") is None, f"a fixture of {name} failed: {output}"
            assert case.find("skipped") is None, f"{name} was skipped"
            failure = case.find("failure")
            results[name] = None if failure is None else failure.get("message", "")
    return results


def _start(report: Path, names: list[str]) -> tuple[subprocess.Popen[bytes], Path]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "ignore"]
    command += ["--tb=short", "--durations=10", "-v", f"--junitxml={report}.xml"]
    command += [f"test_suite.py::{name}" for name in names]
    with report.with_suffix(".txt").open("w") as output:  # a pipe could fill and stop it
        process = subprocess.Popen(
            command, cwd=report.parent, stdout=output, stderr=subprocess.STDOUT
        )
    return process, report
