"""Stores whose pages make windows that a provider refuses, or that lack what they need."""

from __future__ import annotations

import time

from chatstore.core.backend import Page, Plan
from chatstore.core.testing.broken.base import BrokenStore, SoundStore, T


class IgnoresLeading(SoundStore):
    """Never reads the first records: every window loses its system prompt."""

    def _read_newest(
        self, key: str, limit: int | None, *, before: int | None = None, leading: int = 0
    ) -> Plan[Page]:
        page = yield from super()._read_newest(key, limit, before=before, leading=leading)
        return page._replace(leading=[])


class LeadsWithThePage(SoundStore):
    """Takes the first records of the page for those of the conversation."""

    def _read_newest(
        self, key: str, limit: int | None, *, before: int | None = None, leading: int = 0
    ) -> Plan[Page]:
        page = yield from super()._read_newest(key, limit, before=before, leading=leading)
        return page._replace(leading=page.records[:leading])


class ReadsOneLeading(SoundStore):
    """Reads one first record, however many are asked for."""

    def _read_newest(
        self, key: str, limit: int | None, *, before: int | None = None, leading: int = 0
    ) -> Plan[Page]:
        return super()._read_newest(key, limit, before=before, leading=min(1, leading))


class ReadsLeadingLater(SoundStore):
    """Reads the page and the first records one after the other, and others write in between."""

    def _execute(self, plan: Plan[T]) -> T:
        is_window = getattr(plan, "__name__", "") == "_plan_get"
        return self._slowly(plan) if is_window else super()._execute(plan)

    def _slowly(self, plan: Plan[T]) -> T:
        from chatstore.core.backend import run

        return run(plan, self._conversations)

    def _read_newest(
        self, key: str, limit: int | None, *, before: int | None = None, leading: int = 0
    ) -> Plan[Page]:
        page = yield from super()._read_newest(key, limit, before=before)
        if not leading:
            return page
        time.sleep(0.005)
        later = yield from super()._read_newest(key, 1, leading=leading)
        return page._replace(leading=later.leading)


class SkipsOneBeforeThePage(SoundStore):
    """Leaves a record out between two pages."""

    def _read_newest(
        self, key: str, limit: int | None, *, before: int | None = None, leading: int = 0
    ) -> Plan[Page]:
        until = None if before is None else before - 1
        return super()._read_newest(key, limit, before=until, leading=leading)


BROKEN = (
    BrokenStore(IgnoresLeading, ("test_system_prompts_are_kept",)),
    BrokenStore(IgnoresLeading, ("test_windows_keep_their_promises",), "sync 1"),
    BrokenStore(LeadsWithThePage, ("test_system_prompts_are_kept",)),
    BrokenStore(ReadsOneLeading, ("test_system_prompts_are_kept",), "sync 3"),
    BrokenStore(ReadsLeadingLater, ("test_windows_are_of_one_moment",)),
    BrokenStore(SkipsOneBeforeThePage, ("test_windows_keep_their_promises",)),
)
