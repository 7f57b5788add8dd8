"""Stores that translate errors of a driver wrongly, or that use the database too early."""

from __future__ import annotations

from typing import Any, cast

from chatstore.core.backend import Plan
from chatstore.core.errors import (
    ChatStoreError,
    InvalidArgumentError,
    StoreUnavailableError,
)
from chatstore.core.simple import Conversations
from chatstore.core.testing.broken.base import (
    BrokenBackend,
    BrokenStore,
    CorrectStore,
    FakeDriverError,
    T,
)


class TranslatesNothing(BrokenBackend):
    """Does not know the driver's errors."""

    def translate(self, error: Exception) -> ChatStoreError | None:
        return None


class LetsErrorsEscape(CorrectStore):
    """Raises the driver's errors."""

    def run(self, operation: str, build: Any, *args: Any, **kwargs: Any) -> Any:
        return self.backend.run(build(self.backend, *args, **kwargs))

    async def async_run(self, operation: str, build: Any, *args: Any, **kwargs: Any) -> Any:
        return await self.backend.async_run(build(self.backend, *args, **kwargs))


class TranslatesSyncOnly(LetsErrorsEscape):
    """Raises the driver's errors in async methods."""

    def run(self, operation: str, build: Any, *args: Any, **kwargs: Any) -> Any:
        return CorrectStore.run(self, operation, build, *args, **kwargs)


class QuotesTheDriver(BrokenBackend):
    """Puts the driver's text, which quotes content, into its own message."""

    def translate(self, error: Exception) -> ChatStoreError | None:
        return StoreUnavailableError(f"memory: the driver says: {error}")


class ExplainsNothing(BrokenBackend):
    """Raises an error that explains nothing."""

    def translate(self, error: Exception) -> ChatStoreError | None:
        return StoreUnavailableError("error")


class BlamesTheCaller(BrokenBackend):
    """Reports every error as a wrong argument."""

    def translate(self, error: Exception) -> ChatStoreError | None:
        return InvalidArgumentError(f"memory: the driver refused it ({type(error).__name__})")


class AnswersWhenDown(BrokenBackend):
    """Returns nothing instead of raising."""

    def run(self, plan: Plan[Conversations, T]) -> T:
        try:
            return self.inner.run(plan)
        except FakeDriverError:
            return cast("T", None)

    async def async_run(self, plan: Plan[Conversations, T]) -> T:
        return self.run(plan)


class StaysDown(BrokenBackend):
    """Fails forever after one failure."""

    has_failed = False

    def run(self, plan: Plan[Conversations, T]) -> T:
        if self.has_failed:
            raise FakeDriverError
        try:
            return self.inner.run(plan)
        except FakeDriverError:
            self.has_failed = True
            raise

    async def async_run(self, plan: Plan[Conversations, T]) -> T:
        return self.run(plan)


class ConnectsInConstructor(CorrectStore):
    """Uses the database when the store is constructed."""

    def __init__(self, **options: Any) -> None:
        """Count messages."""
        super().__init__(**options)
        self.count_messages("k")


class ReadsClientsDirectly(CorrectStore):
    """Lists keys without translating errors."""

    def get_keys(self, prefix: str = "") -> list[str]:
        if self.memory.is_down:
            raise FakeDriverError
        return super().get_keys(prefix)


class LosesRecordsSilently(BrokenBackend):
    """Leaves out records that are lost."""

    def __init__(self, inner: Any) -> None:
        """Replace the database by one that checks nothing."""
        super().__init__(inner)
        inner.conversations = Conversations(inner.ttl, inner.clock)


BROKEN = (
    BrokenStore(TranslatesNothing, ("test_driver_errors_are_translated",), reason="not translated"),
    BrokenStore(LetsErrorsEscape, ("test_driver_errors_are_translated",), reason="FakeDriverError"),
    BrokenStore(
        TranslatesSyncOnly, ("test_driver_errors_are_translated",), "async", "FakeDriverError"
    ),
    BrokenStore(QuotesTheDriver, ("test_driver_errors_are_translated",), reason="quotes content"),
    BrokenStore(ExplainsNothing, ("test_driver_errors_are_translated",), reason="what is wrong"),
    BrokenStore(
        BlamesTheCaller, ("test_driver_errors_are_translated",), reason="blames the arguments"
    ),
    BrokenStore(AnswersWhenDown, ("test_driver_errors_are_translated",), reason="DID NOT RAISE"),
    BrokenStore(StaysDown, ("test_driver_errors_are_translated",), reason="driver"),
    BrokenStore(ReadsClientsDirectly, ("test_driver_errors_are_translated",), reason="Driver"),
    BrokenStore(
        ConnectsInConstructor, ("test_constructor_needs_no_database",), reason="constructor"
    ),
    BrokenStore(LosesRecordsSilently, ("test_lost_records_are_reported",), reason="DID NOT RAISE"),
)
