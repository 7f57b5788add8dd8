"""Checkpoints for tests, and a store that records the calls it gets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from langgraph.checkpoint.base import Checkpoint, CheckpointMetadata, CheckpointTuple
from langgraph.checkpoint.base.id import uuid6

from chatstore.core import SimpleChatStore
from chatstore.langgraph import ChatStoreSaver
from chatstore.langgraph.plans import Plan
from chatstore.langgraph.records import Namespace

THREAD: Any = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}
NAMESPACE = Namespace("langgraph", "t", "")
LONG = "x" * 3000  # too long to be kept in a checkpoint


def new_checkpoint(values: Mapping[str, Any], step: int) -> Checkpoint:
    """Return a checkpoint in which all channels are at a step's version."""
    return {
        "v": 4,
        "id": str(uuid6(clock_seq=step)),
        "ts": "2026-11-26T00:00:00+00:00",
        "channel_values": dict(values),
        "channel_versions": dict.fromkeys(values, step),
        "versions_seen": {},
        "updated_channels": None,
    }


def put(
    saver: ChatStoreSaver,
    config: Any,
    values: Mapping[str, Any],
    step: int,
    **metadata: Any,
) -> Any:
    """Put a checkpoint in which all channels are new; return its config."""
    checkpoint = new_checkpoint(values, step)
    described: CheckpointMetadata = {"source": "loop", "step": step, "parents": {}}
    described.update(metadata)  # type: ignore[typeddict-item]  # applications add names
    return saver.put(config, checkpoint, described, checkpoint["channel_versions"])


def items(count: int, name: str = "") -> list[str]:
    """Return the items of a list; two of them are too long to be kept in a checkpoint."""
    return [f"{index}{name}{LONG[:400]}" for index in range(count)]


def values_of(result: CheckpointTuple | None) -> dict[str, Any]:
    """Return the values of a checkpoint that exists."""
    assert result is not None
    return result.checkpoint["channel_values"]


def step_of(result: CheckpointTuple | None) -> int:
    """Return the step of a checkpoint that exists."""
    assert result is not None
    return int(result.metadata.get("step", -1))


class RecordingStore(SimpleChatStore):
    """Records the names of calls."""

    def __init__(self) -> None:
        """Keep everything in memory."""
        super().__init__()
        self.calls: list[str] = []

    def run(self, operation: str, build: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Record a call, and run it."""
        self.calls.append(operation)
        return super().run(operation, build, *args, **kwargs)

    def take_calls(self) -> list[str]:
        """Return the calls since the last time."""
        calls, self.calls = self.calls, []
        return calls


class Stepper:
    """Runs a plan call by call, so that others can run in between."""

    def __init__(self, store: SimpleChatStore, plan: Plan[Any]) -> None:
        """Begin before the first call."""
        self._store = store
        self._plan = plan
        self._call: Any = next(plan)
        self._is_finished = False

    def step(self) -> bool:
        """Make the next call, if there is one; return whether there are more."""
        if self._is_finished:
            return False
        try:
            try:
                result = self._call(self._store)
            except Exception as error:
                self._call = self._plan.throw(error)
            else:
                self._call = self._plan.send(result)
        except StopIteration:
            self._is_finished = True
        return not self._is_finished

    def finish(self) -> None:
        """Make all other calls."""
        while self.step():
            pass
