"""Measure calls of stores with and without layers, call by call in turn."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from statistics import quantiles
from typing import NamedTuple

from benchmarks import servers
from benchmarks.layers.subjects import LAYERS, PLAIN
from benchmarks.subjects.subject import WINDOW_TOKENS, text
from chatstore.core import ChatMemoryBuffer, ChatMessage, ChatStore, open_store

_LENGTH = 200  # messages before the first call
_WARM_UPS = 30


class Cost(NamedTuple):
    """What a layer adds to a call on a server.

    Attributes:
        server: The kind of server.
        call: ``"append"`` or ``"window"``.
        layer: The layer.
        seconds: The lower quartile of the layered calls, which other programs disturb least.
        ratio: These seconds through those of the calls without layers.

    """

    server: str
    call: str
    layer: str
    seconds: float
    ratio: float


def _append(store: ChatStore, key: str) -> None:
    store.add_message(key, ChatMessage(role="user", content=text()))


def _window(store: ChatStore, key: str) -> None:
    ChatMemoryBuffer(WINDOW_TOKENS, chat_store=store, chat_store_key=key).get()


CALLS: dict[str, Callable[[ChatStore, str], None]] = {"append": _append, "window": _window}


def measure(kind: str, count: int) -> list[Cost]:
    """Return the costs of all layers on one server.

    Each round makes one call of each store, in a random order, so that a change of the machine's
    speed meets all of them.

    Args:
        kind: The server.
        count: The number of calls of each store.

    """
    costs = []
    with servers.start(kind) as server, ExitStack() as stack:
        stores = {PLAIN: stack.enter_context(open_store(server.through(server.port)))}
        for name, layer in LAYERS.items():
            inner = open_store(server.through(server.port))
            stores[name] = stack.enter_context(ChatStore(layer(inner.backend)))
        for name, store in stores.items():
            store.set_messages(name, [_message(number) for number in range(_LENGTH)])
        for call, act in CALLS.items():
            times = _times(stores, act, count)
            seconds = {name: quantiles(times[name], n=4)[0] for name in stores}
            costs += [
                Cost(kind, call, name, seconds[name], seconds[name] / seconds[PLAIN])
                for name in stores
            ]
    return costs


def _message(number: int) -> ChatMessage:
    return ChatMessage(role="assistant" if number % 2 else "user", content=text())


def _times(
    stores: Mapping[str, ChatStore], act: Callable[[ChatStore, str], None], count: int
) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in stores}
    for number in range(-_WARM_UPS, count):
        for name in random.sample(list(stores), len(stores)):
            start = time.perf_counter()
            act(stores[name], name)
            if number >= 0:
                times[name].append(time.perf_counter() - start)
    return times
