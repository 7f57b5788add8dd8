"""Stores that let a driver's errors through, and that open a database too early."""

from __future__ import annotations

from typing import Any, cast

from chatstore.core.backend import Plan
from chatstore.core.errors import (
    ChatStoreError,
    InvalidArgumentError,
    StoreUnavailableError,
)
from chatstore.core.testing.broken.base import BrokenStore, FakeDriverError, SoundStore, T


class TranslatesNothing(SoundStore):
    """Leaves the driver's errors to the base class, which knows none."""

    def _translate(self, error: Exception) -> ChatStoreError | None:
        return None


class LetsErrorsEscape(SoundStore):
    """Raises what the driver raises."""

    def _run(self, plan: Plan[T], operation: str, key: str | None = None) -> T:
        return self._execute(plan)

    async def _async_run(self, plan: Plan[T], operation: str, key: str | None = None) -> T:
        return await self._async_execute(plan)


class TranslatesSyncOnly(LetsErrorsEscape):
    """Raises what the driver raises in async methods."""

    def _run(self, plan: Plan[T], operation: str, key: str | None = None) -> T:
        return SoundStore._run(self, plan, operation, key)


class QuotesTheDriver(SoundStore):
    """Puts the driver's text, which quotes content, into its own message."""

    def _translate(self, error: Exception) -> ChatStoreError | None:
        return StoreUnavailableError(f"memory: the driver says: {error}")


class SaysNothing(SoundStore):
    """Raises an error without a word."""

    def _translate(self, error: Exception) -> ChatStoreError | None:
        return StoreUnavailableError("error")


class BlamesTheCaller(SoundStore):
    """Takes every error for a wrong argument."""

    def _translate(self, error: Exception) -> ChatStoreError | None:
        return InvalidArgumentError(f"memory: the driver refused it ({type(error).__name__})")


class AnswersWhenDown(SoundStore):
    """Returns nothing instead of raising."""

    def _now(self, plan: Plan[T]) -> T:
        try:
            return super()._now(plan)
        except FakeDriverError:
            return cast("T", None)


class StaysDown(SoundStore):
    """Remembers one failure for good."""

    has_failed = False

    def _now(self, plan: Plan[T]) -> T:
        if self.has_failed:
            raise FakeDriverError
        try:
            return super()._now(plan)
        except FakeDriverError:
            self.has_failed = True
            raise


class ConnectsInConstructor(SoundStore):
    """Asks the database whether it is there when the store is made."""

    def __init__(self, **options: Any) -> None:
        """Ask."""
        super().__init__(**options)
        self.count_messages("k")


class ReadsClientsDirectly(SoundStore):
    """Lists keys past the translation of errors."""

    def get_keys(self, prefix: str = "") -> list[str]:
        if self.is_down:
            raise FakeDriverError
        return super().get_keys(prefix)


class LosesRecordsSilently(SoundStore):
    """Returns what is left of a conversation."""

    def _find(self, key: str) -> Plan[Any]:
        found = yield from super(SoundStore, self)._find(key)
        return found


BROKEN = (
    BrokenStore(TranslatesNothing, ("test_driver_errors_are_translated",), reason="not translated"),
    BrokenStore(LetsErrorsEscape, ("test_driver_errors_are_translated",), reason="FakeDriverError"),
    BrokenStore(
        TranslatesSyncOnly, ("test_driver_errors_are_translated",), "async", "FakeDriverError"
    ),
    BrokenStore(QuotesTheDriver, ("test_driver_errors_are_translated",), reason="quotes content"),
    BrokenStore(SaysNothing, ("test_driver_errors_are_translated",), reason="what is wrong"),
    BrokenStore(BlamesTheCaller, ("test_driver_errors_are_translated",), reason="were right"),
    BrokenStore(AnswersWhenDown, ("test_driver_errors_are_translated",), reason="DID NOT RAISE"),
    BrokenStore(StaysDown, ("test_driver_errors_are_translated",), reason="driver"),
    BrokenStore(ReadsClientsDirectly, ("test_driver_errors_are_translated",), reason="Driver"),
    BrokenStore(
        ConnectsInConstructor, ("test_constructor_needs_no_database",), reason="constructor"
    ),
    BrokenStore(LosesRecordsSilently, ("test_lost_records_are_reported",), reason="DID NOT RAISE"),
)
