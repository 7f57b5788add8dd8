"""Running the suite in this process, and reporting each test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings

from chatstore.cli.conformance.harness import LiveHarness
from chatstore.cli.errors import CommandError
from chatstore.cli.exit_codes import ExitCode
from chatstore.cli.stores import open_existing

_SUITE = Path(__file__).with_name("suite.py")
_PREFIX = "conformance"


@dataclass(frozen=True)
class Outcome:
    """The result of one test.

    Attributes:
        test: Its name.
        status: ``"passed"``, ``"failed"`` or ``"skipped"``.
        reason: Why it failed or was skipped; empty if it passed.
        details: The traceback of a failure.

    """

    test: str
    status: str
    reason: str = ""
    details: str = ""


class _Plugin:
    """Provides the harness, and passes on the outcomes.

    Attributes:
        error: Why the run was ended: an outcome could not be passed on, as to a closed pipe.

    """

    def __init__(self, url: str, run: str, on_outcome: Callable[[Outcome], None]) -> None:
        self._url = url
        self._run = run
        self._on_outcome = on_outcome
        self._tests = 0
        self.error: Exception | None = None
        self._failed: dict[str, Outcome] = {}

    @pytest.fixture
    def harness(self) -> Iterator[LiveHarness]:
        """Give each test a prefix of its own, and delete what it stored."""
        self._tests += 1
        harness = LiveHarness(self._url, f"{_PREFIX}-{self._run}-{self._tests:06}")
        yield harness
        harness.clean()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Report a test when it ends, or fails in its preparation or its end."""
        test = report.nodeid.rpartition("::")[2]
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            reason = str(crash.message if crash else report.longrepr).splitlines()[0]
            self._failed[test] = Outcome(test, "failed", reason, str(report.longrepr))
        elif report.skipped and test not in self._failed:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
            self._failed[test] = Outcome(test, "skipped", reason.removeprefix("Skipped: "))
        if report.when == "teardown":
            try:
                self._on_outcome(self._failed.pop(test, Outcome(test, "passed")))
            except Exception as error:  # noqa: BLE001 - pytest would print its stack trace
                self.error = error
                pytest.exit("an outcome could not be passed on")


def run_suite(url: str, only: str, on_outcome: Callable[[Outcome], None]) -> None:
    """Run the contract against a store, and delete what it left even if it is interrupted.

    Args:
        url: The store.
        only: Run only tests with this text in their names, as pytest's ``-k``.
        on_outcome: Called for each test.

    Raises:
        CommandError: The run was interrupted, or ``only`` is not an expression.

    """
    run = uuid4().hex[:8]
    # Neither the user's plugins and options nor a configuration in the current folder take part.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        os.environ.pop(name, None)
    settings.register_profile(
        "conformance", deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    settings.load_profile("conformance")
    plugin = _Plugin(url, run, on_outcome)
    with TemporaryDirectory() as folder:
        options = ["-c", os.devnull, f"--rootdir={folder}", f"--basetemp={folder}/tests"]
        options += ["-s", "-p", "no:terminal", "-p", "no:cacheprovider", "-k", only]
        try:
            code = pytest.main([*options, "--import-mode=importlib", str(_SUITE)], plugins=[plugin])
        finally:
            _clean(url, run)
    if plugin.error is not None:
        raise plugin.error
    if code == pytest.ExitCode.INTERRUPTED:
        raise CommandError("interrupted; what the tests stored was deleted", ExitCode.INTERRUPTED)
    if code in {pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.INTERNAL_ERROR}:
        raise CommandError(f"{only!r} is not an expression of pytest's -k", ExitCode.USAGE)


def _clean(url: str, run: str) -> None:
    """Delete what tests left whose cleaning was interrupted."""
    name = f"{_PREFIX}-{run}-"
    size = len(f"{name}{0:06}")
    with open_existing(url) as store:
        for key in list(store.iter_keys(prefix=f"{size}:{name}")):
            store.delete_messages(key)
