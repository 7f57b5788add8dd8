"""For authors of backends: everything that a store for another database is built from.

A backend implements `Backend`: a method returns a plan (`Plan`), a generator that yields functions
of a client (`call`). `ChatStore(backend)` is then a complete store, sync and async.

- Layers over other backends: `WrapperBackend`. Telemetry: `Observer`, `ObservedCall`.
- Drivers without an async client: `ThreadedBackend`. Async clients: `ClientPerLoop`.
- Connections: `Pool`, `AsyncPool`, `Health`; forks: `ForkAware`, `ForkLock`, `watch`,
  `keep_inherited`.
- Independent requests at the same time: `concurrently`, `slow_down`.
- Repetition: `retry`, `RetryPolicy`, `Retryable`; errors of the network: `reason_of`;
  wrong clocks: `describe_clock_skew`.
- Options: `check_ttl`, `check_timeout` and others; URLs: `split_url`, `read_options`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatstore.core.backend.base import Backend
    from chatstore.core.backend.clock_skew import describe_clock_skew
    from chatstore.core.backend.concurrent import ConcurrentStep, concurrently, slow_down
    from chatstore.core.backend.conversations import (
        ConversationRecord,
        OwnedPage,
        StoredConversation,
        check_revision,
    )
    from chatstore.core.backend.event_loops import ClientPerLoop
    from chatstore.core.backend.forks import ForkAware, ForkLock, keep_inherited, watch
    from chatstore.core.backend.network_errors import (
        is_timeout,
        is_unreachable,
        reason_of,
        wrapped_errors,
    )
    from chatstore.core.backend.observing import ObservedCall, Observer, current_call
    from chatstore.core.backend.options import (
        check_flag,
        check_max_connections,
        check_patience,
        check_timeout,
        check_ttl,
        passed_options,
    )
    from chatstore.core.backend.owner_index import OwnerIndex
    from chatstore.core.backend.plans import MaybeAwaitable, Plan, Step, async_run, call, run
    from chatstore.core.backend.pools import (
        AsyncPool,
        Health,
        Pool,
        PoolTimeoutError,
        Session,
    )
    from chatstore.core.backend.reads import Newest, Oldest
    from chatstore.core.backend.records import (
        Existing,
        KeyPage,
        Page,
        Record,
        StoredRecord,
        StoredRecords,
    )
    from chatstore.core.backend.retrying import Retryable, RetryPolicy, now, retry
    from chatstore.core.backend.settling import CallCancelledError
    from chatstore.core.backend.threaded import ThreadedBackend, raise_if_cancelled
    from chatstore.core.backend.urls import Options, flag, read_options, read_path_url, split_url
    from chatstore.core.backend.wrapper import WrapperBackend
    from chatstore.core.backend.writes import (
        Append,
        Create,
        Delete,
        Insert,
        Put,
        Remove,
        Replace,
        Truncate,
        Update,
    )

__all__ = [
    "Append",
    "AsyncPool",
    "Backend",
    "CallCancelledError",
    "ClientPerLoop",
    "ConcurrentStep",
    "ConversationRecord",
    "Create",
    "Delete",
    "Existing",
    "ForkAware",
    "ForkLock",
    "Health",
    "Insert",
    "KeyPage",
    "MaybeAwaitable",
    "Newest",
    "ObservedCall",
    "Observer",
    "Oldest",
    "Options",
    "OwnedPage",
    "OwnerIndex",
    "Page",
    "Plan",
    "Pool",
    "PoolTimeoutError",
    "Put",
    "Record",
    "Remove",
    "Replace",
    "RetryPolicy",
    "Retryable",
    "Session",
    "Step",
    "StoredConversation",
    "StoredRecord",
    "StoredRecords",
    "ThreadedBackend",
    "Truncate",
    "Update",
    "WrapperBackend",
    "async_run",
    "call",
    "check_flag",
    "check_max_connections",
    "check_patience",
    "check_revision",
    "check_timeout",
    "check_ttl",
    "concurrently",
    "current_call",
    "describe_clock_skew",
    "flag",
    "is_timeout",
    "is_unreachable",
    "keep_inherited",
    "now",
    "passed_options",
    "raise_if_cancelled",
    "read_options",
    "read_path_url",
    "reason_of",
    "retry",
    "run",
    "slow_down",
    "split_url",
    "watch",
    "wrapped_errors",
]

_MODULES = {
    "base": "Backend",
    "clock_skew": "describe_clock_skew",
    "concurrent": "ConcurrentStep concurrently slow_down",
    "conversations": "ConversationRecord OwnedPage StoredConversation check_revision",
    "event_loops": "ClientPerLoop",
    "forks": "ForkAware ForkLock keep_inherited watch",
    "network_errors": "is_timeout is_unreachable reason_of wrapped_errors",
    "observing": "ObservedCall Observer current_call",
    "options": "check_flag check_max_connections check_patience check_timeout check_ttl "
    "passed_options",
    "owner_index": "OwnerIndex",
    "plans": "MaybeAwaitable Plan Step async_run call run",
    "pools": "AsyncPool Health Pool PoolTimeoutError Session",
    "reads": "Newest Oldest",
    "records": "Existing KeyPage Page Record StoredRecord StoredRecords",
    "retrying": "Retryable RetryPolicy now retry",
    "settling": "CallCancelledError",
    "threaded": "ThreadedBackend raise_if_cancelled",
    "urls": "Options flag read_options read_path_url split_url",
    "wrapper": "WrapperBackend",
    "writes": "Append Create Delete Insert Put Remove Replace Truncate Update",
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    """Load a module when one of its names is used: ``chatstore.core`` needs only a few of them."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value
