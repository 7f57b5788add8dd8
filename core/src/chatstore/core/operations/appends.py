"""Appends: of one call, or of several calls in one write."""

from __future__ import annotations

import copy
from collections.abc import Generator, Sequence
from types import TracebackType
from typing import Any

from chatstore.core.backend.base import Backend
from chatstore.core.backend.plans import Plan
from chatstore.core.backend.records import Record
from chatstore.core.backend.settling import CallCancelledError
from chatstore.core.backend.writes import Append
from chatstore.core.errors import ChatStoreError
from chatstore.core.operations.encoding import without_existing


class AppendPlan(Generator[Any, Any, None]):
    """The plan of an append, which a store may replace by one that does several appends at once.

    Attributes:
        backend: The backend.
        key: The conversation.
        records: What is appended.
        steps: The same plan as a generator; driving it saves a call for each step.

    """

    def __init__(self, backend: Backend[Any], key: str, records: Sequence[Record]) -> None:
        """Take checked arguments."""
        self.backend = backend
        self.key = key
        self.records = records
        self.steps = append(backend, key, records)

    def send(self, value: Any) -> Any:
        """Continue the plan with the result of a step."""
        return self.steps.send(value)

    def throw(
        self,
        kind: Any,
        value: BaseException | object = None,
        traceback: TracebackType | None = None,
    ) -> Any:
        """Continue the plan with the error of a step."""
        error = kind if value is None and traceback is None else kind(value)
        return self.steps.throw(error)

    def close(self) -> None:
        """End the plan."""
        self.steps.close()


class PendingAppend:
    """An append that may be done together with others to the same conversation.

    Attributes:
        records: What is appended.
        is_finished: Whether it has taken effect or failed.
        error: Why it failed.

    """

    def __init__(self, records: Sequence[Record]) -> None:
        """Take the records."""
        self.records = records
        self.is_finished = False
        self.error: Exception | None = None

    def finish(self, error: Exception | None = None) -> None:
        """Note the outcome."""
        self.error = error
        self.is_finished = True


def append(
    backend: Backend[Any],
    key: str,
    records: Sequence[Record],
    expected_revision: str | None = None,
) -> Plan[Any, None]:
    """Append records, and compare those that exist already.

    Raises:
        MessageConflictError: The conversation has one of them with other content.

    """
    while records:
        existing = yield from backend.append(key, Append(records, expected_revision))
        if not existing:
            return
        records = without_existing(key, records, existing)


def append_all(backend: Backend[Any], key: str, batch: Sequence[PendingAppend]) -> Plan[Any, None]:
    """Do several appends in their order, in one write if none of their ids exists.

    Each gets its own outcome, which is not raised here. If the caller that runs the plan is
    cancelled, some of them get none.
    """
    records = [record for pending in batch for record in pending.records]
    try:
        existing = yield from backend.append(key, Append(records))
    except CallCancelledError:
        raise  # the other callers were not cancelled
    except Exception as error:  # noqa: BLE001 - each caller translates it
        batch[0].finish(error)
        for pending in batch[1:]:
            pending.finish(_copy(error))
        return
    for pending in batch:
        if existing:
            yield from _append_alone(backend, key, pending)
        else:
            pending.finish()


def _append_alone(backend: Backend[Any], key: str, pending: PendingAppend) -> Plan[Any, None]:
    try:
        yield from append(backend, key, pending.records)
    except CallCancelledError:
        raise  # as above
    except Exception as error:  # noqa: BLE001 - as above
        pending.finish(error)
    else:
        pending.finish()


def _copy(error: Exception) -> Exception:
    """Return an error for another caller: the store notes the name of its method in it."""
    if not isinstance(error, ChatStoreError):
        return error  # a driver's, which each caller translates into an error of its own
    copied = copy.copy(error)
    copied.__cause__ = error.__cause__
    return copied
