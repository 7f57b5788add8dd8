"""The items of LangGraph's store as messages.

The conversation of a namespace holds its items, and the labels of the namespaces below it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, TypeAlias

from langgraph.store.base import Item

from chatstore.core import ChatMessage, InvalidArgumentError, InvalidMessageError
from chatstore.core.codec import encode
from chatstore.core.keys import join_key
from chatstore.langgraph.packing import fields_of, to_message
from chatstore.langgraph.plans import Plan, call

Path: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """What a namespace holds."""

    items: list[Item] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)


class ItemTable:
    """Reads and writes the items of namespaces."""

    def __init__(self, name: str) -> None:
        """Use conversations whose keys begin with a name."""
        self._name = name

    def get(self, namespace: Path, key: str) -> Plan[Item | None]:
        """Return an item, or ``None``."""
        message = yield from call("get_message", self._key(namespace), _item_id(key))
        return None if message is None else _to_item(namespace, message)

    def put(self, namespace: Path, key: str, value: Mapping[str, Any]) -> Plan[None]:
        """Store an item; one that exists keeps its time of creation."""
        existing = yield from self.get(namespace, key)
        now = datetime.now(timezone.utc).isoformat()
        created_at = now if existing is None else existing.created_at.isoformat()
        fields = {"key": key, "value": dict(value), "created_at": created_at, "updated_at": now}
        if existing is None:
            yield from self._register(namespace)
        yield from call("put_message", self._key(namespace), to_message(_item_id(key), fields))

    def delete(self, namespace: Path, key: str) -> Plan[None]:
        """Delete an item, if it exists."""
        yield from call("remove_message", self._key(namespace), _item_id(key))

    def read(self, namespace: Path) -> Plan[Contents]:
        """Return what a namespace holds."""
        messages: list[ChatMessage] = yield from call("get_messages", self._key(namespace))
        contents = Contents()
        for message in messages:
            if _is_item(message):
                contents.items.append(_to_item(namespace, message))
            else:
                contents.labels.append(fields_of(message)["label"])
        return contents

    def walk(self, prefix: Path) -> Plan[dict[Path, list[Item]]]:
        """Return the items of a namespace and of all below it; a request for each of them."""
        result: dict[Path, list[Item]] = {}
        waiting = [prefix]
        while waiting:
            namespace = waiting.pop()
            contents = yield from self.read(namespace)
            if contents.items:
                result[namespace] = contents.items
            waiting += [(*namespace, label) for label in contents.labels]
        return result

    def _register(self, namespace: Path) -> Plan[None]:
        """Add a namespace's labels, from the top: each label leads to all items below it."""
        for depth, label in enumerate(namespace):
            message = to_message(_label_id(label), {"label": label})
            yield from call("add_message", self._key(namespace[:depth]), message)

    def _key(self, namespace: Path) -> str:
        return join_key(self._name, *(f"label {label}" for label in namespace))


def check_item(key: str, value: Mapping[str, Any]) -> None:
    """Refuse an item that cannot be stored, before anything is sent.

    Raises:
        InvalidArgumentError: ``key`` is not a string, ``value`` is not a JSON object, or one of
            them contains a lone surrogate.

    """
    item_id = _item_id(key)
    try:
        message = to_message(item_id, {"key": key, "value": dict(value)})
    except (TypeError, ValueError):  # ValidationError is a ValueError
        pass
    else:
        encode(message, now="")
        return
    raise InvalidMessageError(  # outside: the cause names parts of the value
        "an item's value must be a JSON object: no tuples, bytes, NaN or keys that are not strings"
    )


def newest_first(items: Iterable[Item]) -> list[Item]:
    """Return items, the last changed one first."""
    return sorted(items, key=lambda item: item.updated_at, reverse=True)


def _item_id(key: object) -> str:
    if not isinstance(key, str):
        raise InvalidArgumentError(f"an item's key must be a string, not {type(key).__name__}")
    return join_key("item", f"key {key}")


def _label_id(label: str) -> str:
    return join_key("label", f"label {label}")


def _is_item(message: ChatMessage) -> bool:
    return str(message.id).startswith("item/")


def _to_item(namespace: Path, message: ChatMessage) -> Item:
    fields = fields_of(message)
    return Item(
        value=fields["value"],
        key=fields["key"],
        namespace=namespace,
        created_at=datetime.fromisoformat(fields["created_at"]),
        updated_at=datetime.fromisoformat(fields["updated_at"]),
    )
