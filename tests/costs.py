"""The cost of a store's calls: requests, bytes, and what services charge for.

The tests of all stores measure the same calls and check that the costs are flat. ``make costs``
also measures them at 100,000 messages and writes ``docs/costs.md``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from chatstore.core import ChatMessage

LENGTHS = [10, 1_000, 100_000] if os.environ.get("CHATSTORE_SOAK") else [10, 1_000, 5_000]
MESSAGE_BYTES = 600
WINDOW = 20
_IN_BATCHES = 1_000  # messages; moto copies the whole table for each transaction
_HEAD_BYTES = 600  # a head grows by this much at most: it records removals, up to a limit

_MOST_REQUESTS = {
    "put": 3,
    "get by id": 3,
    "page before an id": 5,
    "remove by id": 3,
    "truncate": 3,
    "create": 3,
}
"""The most requests of a call; of all others, two."""
_OWN = 60  # conversations of an owner whose list is read
_PAGE = 50
OTHERS = [10, 10_000] if os.environ.get("CHATSTORE_SOAK") else [10, 200]

_HEADER = f"""# What calls cost

On every database, calls cost the same at any length of the conversation, and an owner's list costs
the same however many conversations others have. A message has {MESSAGE_BYTES} bytes; the window is
the newest {WINDOW} messages. `make costs` measures the calls and writes this page; `make test`
checks that the costs stay flat.

The conversations are written as applications do it: one part in a single call, the rest in batches
of 2 to 200 messages, every second batch with ids. Some messages were removed from the longer ones.

A cell has one value for each length, or one value for all of them. Bytes are the bodies of requests
and responses.
"""


class Cost(NamedTuple):
    """What a call cost.

    Attributes:
        requests: The number of requests.
        sent: Bytes in the bodies of requests.
        received: Bytes in the bodies of responses.
        units: What the service charges for, by name.

    """

    requests: int
    sent: int
    received: int
    units: Mapping[str, float]


Measure = Callable[[Callable[[], Any]], Cost]


class Costs:
    """Costs by database, call and length of the conversation."""

    def __init__(self) -> None:
        """Start without any costs."""
        self.tables: dict[str, tuple[str, Sequence[int], dict[str, list[Cost]]]] = {}
        self.lists: dict[str, tuple[Sequence[int], dict[str, list[Cost]]]] = {}

    def measure(
        self,
        name: str,
        store: Any,
        cost: Measure,
        *,
        note: str,
        lengths: Sequence[int] = LENGTHS,
        most_requests: int = 2,
        tolerance: int = _HEAD_BYTES,
    ) -> dict[str, list[Cost]]:
        """Measure all calls at all lengths, check that the costs are flat, and return them.

        A call makes at most ``most_requests``, unless `_MOST_REQUESTS` allows more. The bytes that
        it sends may grow by ``tolerance``.
        """
        table: dict[str, list[Cost]] = {}
        for length in lengths:
            key = f"k{length:06}"
            _write(store, key, length)
            for name_of_call, act in _calls(store, key).items():
                table.setdefault(name_of_call, []).append(cost(act))
        self.tables[name] = (note, lengths, table)
        for call, costs in table.items():
            most = max(most_requests, _MOST_REQUESTS.get(call, 0))
            _check_flat(f"{name}, {call}", costs, most, tolerance)
        return table

    def measure_lists(
        self, name: str, store: Any, cost: Measure, *, others: Sequence[int] = OTHERS
    ) -> dict[str, list[Cost]]:
        """Measure calls for an owner's conversations among those of others, and check them."""
        for number in range(_OWN):
            store.create_conversation(f"own{number}", owner="ann", title="A conversation")
        table: dict[str, list[Cost]] = {}
        written = 0
        for count_of_others in others:
            for number in range(written, count_of_others):
                store.create_conversation(f"other{number}", owner=f"bob{number % 3}")
            written = count_of_others
            for call, act in _owner_calls(store, f"new{written}").items():
                table.setdefault(call, []).append(cost(act))
        self.lists[name] = others, table
        for call, (few, *more) in table.items():
            for one in more:
                assert one.requests <= few.requests + 1, (name, call)  # a list has been fragmented
                assert one.received <= 1.2 * few.received + _HEAD_BYTES, (name, call)
        return table

    def render(self) -> str:
        """Return the page."""
        lines = [_HEADER]
        for name, (note, lengths, table) in self.tables.items():
            shown = " · ".join(f"{length:,}" for length in lengths)
            lines += [f"## {name}", "", f"Conversations of {shown} messages. {note}", ""]
            lines += _rows(table)
            if name in self.lists:
                others, of_owners = self.lists[name]
                shown = " · ".join(f"{one:,}" for one in others)
                lines += [f"An owner has {_OWN} conversations, and others have {shown}.", ""]
                lines += _rows(of_owners)
        return "\n".join(lines)

    def write(self, path: Path) -> None:
        """Write the page."""
        path.write_text(self.render(), encoding="utf-8")


def drivers(*names: str) -> str:
    """Return distributions with their versions."""
    return ", ".join(f"{name} {version(name)}" for name in names)


def _rows(table: Mapping[str, Sequence[Cost]]) -> list[str]:
    """Return the lines of a table of costs."""
    units = list(next(iter(table.values()))[0].units)
    columns = ["requests", *units, "bytes sent", "bytes received"]
    has_replies = any(one.received for costs in table.values() for one in costs)
    columns = columns if has_replies else columns[:-1]
    lines = [f"| call | {' | '.join(columns)} |", "| --- |" + " --- |" * len(columns)]
    for call, costs in table.items():
        cells = [
            _cell([one.requests for one in costs]),
            *(_cell([one.units[unit] for one in costs]) for unit in units),
            _cell([one.sent for one in costs]),
            *([_cell([one.received for one in costs])] if has_replies else []),
        ]
        lines.append(f"| {call} | {' | '.join(cells)} |")
    return [*lines, ""]


def _message(**fields: Any) -> ChatMessage:
    return ChatMessage(role="user", content="x" * MESSAGE_BYTES, **fields)


def _write(store: Any, key: str, length: int) -> None:
    """Write a conversation in batches, with removals in between."""
    left = min(length // 2, _IN_BATCHES)
    store.set_messages(key, [_message() for _ in range(length - left)])
    for number in count():
        size = min(left, (2, 200, 7, 120)[number % 4])
        if not size:
            break
        named = number % 2 == 1
        store.add_messages(
            key, [_message(**({"id": f"{number}-{n}"} if named else {})) for n in range(size)]
        )
        left -= size
        if number < 12 and length >= 1_000:
            store.delete_message(key, -2)
            left += 1
    store.add_message(key, _message())


def _calls(store: Any, key: str) -> dict[str, Callable[[], Any]]:
    return {
        "append": lambda: store.add_message(key, _message()),
        "append with the caller's id": lambda: store.add_message(key, _message(id="i")),
        "put": lambda: store.put_message(key, _message(id="i")),
        "get by id": lambda: store.get_message(key, "i"),
        "window": lambda: store.get_messages(key, last=WINDOW),
        "snapshot": lambda: store.snapshot(key, last=WINDOW),
        "page before an id": lambda: store.page_messages(key, limit=WINDOW, before="i"),
        "count": lambda: store.count_messages(key),
        "read the conversation": lambda: store.get_conversation(key),
        "rename": lambda: store.update_conversation(key, title="A conversation"),
        "remove by id": lambda: store.remove_message(key, "i"),
        "append another": lambda: store.add_message(key, _message(id="j")),
        "truncate": lambda: store.truncate(key, from_id="j"),
        "create": lambda: store.create_conversation(f"{key}-new"),
        "delete last": lambda: store.delete_last_message(key),
    }


def _owner_calls(store: Any, key: str) -> dict[str, Callable[[], Any]]:
    return {
        f"list of {_PAGE}": lambda: store.list_conversations(owner="ann", limit=_PAGE),
        "create": lambda: store.create_conversation(key, owner="ann"),
        "first append": lambda: store.add_message(key, _message()),
        "append": lambda: store.add_message(key, _message()),
        "change the owner": lambda: store.update_conversation(key, owner="carl"),
        "delete": lambda: store.delete_messages(key),
    }


def _check_flat(name: str, costs: list[Cost], most_requests: int, tolerance: int) -> None:
    call = name.rpartition(", ")[2]
    # Ten messages are fewer than fill the window.
    first = costs[1] if call in {"window", "snapshot", "page before an id"} else costs[0]
    for cost in costs:
        assert cost.requests <= first.requests <= most_requests, (name, cost, first)
        assert cost.sent <= 1.2 * first.sent + tolerance, (name, cost, first)
        assert cost.received <= 1.2 * first.received + _HEAD_BYTES, name
        for unit, amount in cost.units.items():
            assert amount <= 1.05 * first.units[unit], (name, unit, costs)


def _cell(values: list[float]) -> str:
    shown = [f"{value:,.10g}" for value in values]
    return shown[0] if len(set(shown)) == 1 else " · ".join(shown)
