"""Runs tests of a contract in processes of their own, since many of them are meant to fail."""

import subprocess
import sys
import xml.etree.ElementTree as ET

PROCESSES = 3  # at once: most tests wait for something
TIMEOUT = 900  # seconds for all


def run_tests(folder, names):
    """Run tests of ``test_suite.py``; return by name why each failed, ``None`` where it passed.

    Tests with parameters that are named without them are there with all their parameters.
    """
    groups = [names[start::PROCESSES] for start in range(PROCESSES)]
    running = [_start(folder, f"out{n}.xml", group) for n, group in enumerate(groups) if group]
    results = {}
    for process, report in running:
        output, _ = process.communicate(timeout=TIMEOUT)
        assert process.returncode in (0, 1), output[-3000:]  # no usage or import error
        for case in ET.parse(report).iter("testcase"):
            name = f"{case.get('classname').rpartition('.')[2]}::{case.get('name')}"
            assert case.find("error") is None, f"a fixture of {name} failed: {output[-3000:]}"
            assert case.find("skipped") is None, f"{name} was skipped"
            failure = case.find("failure")
            results[name] = None if failure is None else failure.get("message")
    return results


def _start(folder, report, names):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore"]
    command += [f"--junitxml={report}", *(f"test_suite.py::{name}" for name in names)]
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return process, folder / report
