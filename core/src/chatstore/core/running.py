"""Running plans with a backend's clients, and turning what they raise into errors of a store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from logging import DEBUG
from time import perf_counter
from typing import Any, TypeVar

from chatstore.core.errors import (
    ChatStoreError,
    DriverError,
    StoreClosedError,
    hide_driver_errors,
)
from chatstore.core.hooks import Hooks
from chatstore.core.logs import SLOW_SECONDS, log_call, logger
from chatstore.core.paging import Pager
from chatstore.core.plans import Plan

T = TypeVar("T")


class Runner(Hooks):
    """Runs plans, sync and async; both ends of a call have the same errors and logs."""

    _closed = False

    @property
    def server(self) -> str:
        """Where conversations are kept, without secrets: for messages and logs."""
        return type(self).__name__

    def _call(
        self, operation: str, build: Callable[..., Plan[T]], key: str, *args: Any, **kwargs: Any
    ) -> T:
        """Build a plan, which checks the arguments, and run it with the sync client."""
        return self._run(self._build(operation, build, key, *args, **kwargs), operation, key)

    async def _async_call(
        self, operation: str, build: Callable[..., Plan[T]], key: str, *args: Any, **kwargs: Any
    ) -> T:
        """Build a plan, which checks the arguments, and run it with the async client."""
        plan = self._build(operation, build, key, *args, **kwargs)
        return await self._async_run(plan, operation, key)

    def _build(self, operation: str, build: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        try:
            return build(*args, **kwargs)
        except ChatStoreError as error:
            failure = self._failure(error, operation)
        raise failure  # see `_run`

    def _run(self, plan: Plan[T], operation: str, key: str | None = None) -> T:
        """Run a plan with the sync client; ``operation`` and ``key`` are for errors and logs."""
        self._refuse_closed(plan, operation)
        start = perf_counter()
        try:
            result = self._execute(plan)
        except Exception as error:  # noqa: BLE001 - translated
            failure = self._failure(error, operation)
        else:
            self._log(operation, key, perf_counter() - start)
            return result
        raise failure  # not in the handler: the driver's error would become its context

    async def _async_run(self, plan: Plan[T], operation: str, key: str | None = None) -> T:
        """Run a plan with the async client; see `_run`."""
        self._refuse_closed(plan, operation)
        start = perf_counter()
        try:
            result = await self._async_execute(plan)
        except Exception as error:  # noqa: BLE001 - translated
            failure = self._failure(error, operation)
        else:
            self._log(operation, key, perf_counter() - start)
            return result
        raise failure  # see `_run`

    def _iterate(self, pager: Pager[T], operation: str, key: str | None = None) -> Iterator[T]:
        while not pager.done:
            yield from pager.resolve(self._run(pager.next_page(), operation, key))

    async def _async_iterate(
        self, pager: Pager[T], operation: str, key: str | None = None
    ) -> AsyncIterator[T]:
        while not pager.done:
            for item in pager.resolve(await self._async_run(pager.next_page(), operation, key)):
                yield item

    def _refuse_closed(self, plan: Plan[Any], operation: str) -> None:
        if self._closed:
            plan.close()
            error = StoreClosedError(f"this {type(self).__name__} was closed")
            error.operation = operation
            raise error

    def _failure(self, error: Exception, operation: str) -> ChatStoreError:
        """Return the error that a caller gets: without a driver's text, which may hold secrets."""
        failure = error if isinstance(error, ChatStoreError) else self._translate(error)
        if failure is None:
            failure = ChatStoreError(
                f"{self.server}: unexpected {type(error).__name__}; "
                "this is a defect, please report it with the traceback of its cause"
            )
        if failure.operation is None:
            failure.operation = operation
        if failure is not error:
            failure.__cause__ = DriverError.of(error)
        hide_driver_errors(failure)
        return failure

    def _log(self, operation: str, key: str | None, seconds: float) -> None:
        if seconds >= SLOW_SECONDS or logger.isEnabledFor(DEBUG):
            log_call(operation, self.server, key, seconds)
