"""Running plans over a backend: errors are translated, calls are logged."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from logging import DEBUG
from time import perf_counter
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from chatstore.core.backend.base import Backend
from chatstore.core.backend.plans import Plan
from chatstore.core.combining import AppendQueue
from chatstore.core.copying import Copyable
from chatstore.core.errors import (
    ChatStoreError,
    DriverError,
    StoreClosedError,
    hide_driver_errors,
)
from chatstore.core.logs import SLOW_SECONDS, log_call, logger
from chatstore.core.operations.appends import AppendPlan
from chatstore.core.paging import Pager

T = TypeVar("T")
P = ParamSpec("P")


class PlanRunner(Copyable):
    """Runs operations over a backend, sync and async."""

    def __init__(self, backend: Backend[Any]) -> None:
        """Keep conversations in a backend; nothing is sent before the first call."""
        self._backend = backend
        self._observer = backend.observer
        limit = backend.max_combined_records
        self._appends = AppendQueue(limit) if limit > 1 else None
        self._is_closed = False

    @property
    def backend(self) -> Backend[Any]:
        """The part of the store that talks to the database; a `WrapperBackend` can wrap it."""
        return self._backend

    @property
    def server(self) -> str:
        """Where conversations are kept, without secrets."""
        return self._backend.server

    def __repr__(self) -> str:
        """Return the class, the server and whether the store is closed."""
        state = "closed" if self._is_closed else "open"
        return f"<{type(self).__name__}: {self.server}, {state}>"

    def run(
        self,
        operation: str,
        build: Callable[Concatenate[Backend[Any], P], Plan[Any, T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Build a plan over the backend and run it; for operations besides the store's own.

        Args:
            operation: The name of the call, for errors and logs.
            build: Checks the arguments and returns a plan.
            args: For ``build``, behind the backend; the first one is the key, for logs.
            kwargs: For ``build``.

        Raises:
            ChatStoreError: The call failed; drivers' errors are translated.

        """
        start = perf_counter()
        try:
            plan = build(self._backend, *args, **kwargs)
            self._check_open()
            if self._observer is None:
                result = self._drive(plan, self._backend.run)
            else:
                with self._observer.observe(operation) as call:
                    result = self._drive(plan, lambda part: self._backend.run(call.watch(part)))
        except Exception as error:  # noqa: BLE001 - translated
            failure = self._failure(error, operation)
        else:
            self._log(operation, start, args)
            return result
        raise failure  # not in the handler: the driver's error would become its context

    async def async_run(
        self,
        operation: str,
        build: Callable[Concatenate[Backend[Any], P], Plan[Any, T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Like `run`, with the backend's async client."""
        start = perf_counter()
        try:
            plan = build(self._backend, *args, **kwargs)
            self._check_open()
            if self._observer is None:
                result = await self._async_drive(plan, self._backend.async_run)
            else:
                with self._observer.observe(operation) as call:
                    result = await self._async_drive(
                        plan, lambda part: self._backend.async_run(call.watch(part))
                    )
        except Exception as error:  # noqa: BLE001 - translated
            failure = self._failure(error, operation)
        else:
            self._log(operation, start, args)
            return result
        raise failure  # as in `run`

    def close(self) -> None:
        """Close what the store opened itself; every later call raises `StoreClosedError`."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            self._backend.close()
        except Exception as error:  # noqa: BLE001 - translated
            failure = self._failure(error, "close")
        else:
            return
        raise failure  # as in `run`

    async def async_close(self) -> None:
        """Like `close`, but awaitable."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            await self._backend.async_close()
        except Exception as error:  # noqa: BLE001 - translated
            failure = self._failure(error, "close")
        else:
            return
        raise failure  # as in `run`

    def iterate(
        self,
        operation: str,
        make: Callable[Concatenate[Backend[Any], P], Pager[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Iterator[T]:
        """Check the arguments by making a pager, then iterate over the items of its pages."""
        return self._pages(operation, self._make_pager(operation, make, *args, **kwargs))

    def async_iterate(
        self,
        operation: str,
        make: Callable[Concatenate[Backend[Any], P], Pager[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> AsyncIterator[T]:
        """Like `iterate`, for ``async for``."""
        return self._async_pages(operation, self._make_pager(operation, make, *args, **kwargs))

    def _pages(self, operation: str, pager: Pager[T]) -> Iterator[T]:
        while not pager.done:
            yield from pager.resolve(self.run(operation, pager.next_page, pager.key))

    async def _async_pages(self, operation: str, pager: Pager[T]) -> AsyncIterator[T]:
        while not pager.done:
            for item in pager.resolve(await self.async_run(operation, pager.next_page, pager.key)):
                yield item

    def _make_pager(
        self,
        operation: str,
        make: Callable[Concatenate[Backend[Any], P], Pager[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Pager[T]:
        try:
            return make(self._backend, *args, **kwargs)
        except ChatStoreError as error:
            failure = self._failure(error, operation)
        raise failure  # as in `run`

    def _drive(self, plan: Plan[Any, T], run: Callable[[Plan[Any, T]], T]) -> T:
        if isinstance(plan, AppendPlan):
            if self._appends is not None:
                return cast("T", self._appends.run(plan, run))
            plan = cast("Plan[Any, T]", plan.steps)
        return run(plan)

    async def _async_drive(
        self, plan: Plan[Any, T], run: Callable[[Plan[Any, T]], Awaitable[T]]
    ) -> T:
        if isinstance(plan, AppendPlan):
            if self._appends is not None:
                return cast("T", await self._appends.async_run(plan, run))
            plan = cast("Plan[Any, T]", plan.steps)
        return await run(plan)

    def _check_open(self) -> None:
        if self._is_closed:
            raise StoreClosedError(f"this {type(self).__name__} was closed")

    def _failure(self, error: Exception, operation: str) -> ChatStoreError:
        """Return the error for a caller: without a driver's text, which may hold secrets."""
        failure = error if isinstance(error, ChatStoreError) else self._backend.translate(error)
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

    def _log(self, operation: str, start: float, args: tuple[Any, ...]) -> None:
        seconds = perf_counter() - start
        if seconds >= SLOW_SECONDS or logger.isEnabledFor(DEBUG):
            key = args[0] if args else None
            log_call(operation, self.server, key, seconds)
