"""Tests with short timeouts run again if the machine stalls, which lets any call time out."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import ParamSpec

from typing_extensions import Self

from chatstore.core import ChatStoreError
from chatstore.core.testing.healing.scenario import Scenario

P = ParamSpec("P")
_PAUSE = 0.05  # seconds between two looks
_TRIES = 10


class Stalls:
    """Measures how long the machine stalls, from a thread.

    Attributes:
        longest: Seconds for which neither the thread nor the server went on.

    """

    def __init__(self, ask: Callable[[], object]) -> None:
        """Measure nothing yet.

        Args:
            ask: Waits for an answer of the server.

        """
        self.longest = 0.0
        self._ask = ask
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._ended.is_set():
            begin = time.monotonic()
            time.sleep(_PAUSE)
            with suppress(ChatStoreError):
                self._ask()
            self.longest = max(self.longest, time.monotonic() - begin - _PAUSE)

    def __enter__(self) -> Self:
        """Begin to measure."""
        self._ask()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End measuring."""
        self._ended.set()
        self._thread.join()


def repeat_after_stalls(test: Callable[P, None]) -> Callable[P, None]:
    """Run a test again if it failed and the machine stalled for a part of the store's timeout.

    The test takes the fixture ``hasty``, and leaves nothing but conversations and stores.
    """

    @functools.wraps(test)
    def repeated(*args: P.args, **kwargs: P.kwargs) -> None:
        hasty = kwargs["hasty"]
        assert isinstance(hasty, Scenario)
        for left in reversed(range(_TRIES)):
            with hasty.harness.open_direct() as direct, Stalls(direct.get_keys) as stalls:
                try:
                    return test(*args, **kwargs)
                except (AssertionError, ChatStoreError) as error:
                    failure = error
            if not left or stalls.longest < hasty.timeout / 4:
                raise failure
            hasty.begin_again()
        raise AssertionError  # the last try returns or raises

    return repeated
