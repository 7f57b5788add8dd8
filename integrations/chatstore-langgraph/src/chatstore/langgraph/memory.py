"""``ChatStoreMemory``: LangGraph's long-term memory in any store."""

from __future__ import annotations

from collections.abc import Iterable

from langgraph.store.base import (
    BaseStore,
    GetOp,
    Item,
    ListNamespacesOp,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
    validate_op_namespace,
)

from chatstore.core import ChatStore
from chatstore.core.keys import join_key
from chatstore.core.store import check_store
from chatstore.langgraph.filters import matches_filter, matches_namespace
from chatstore.langgraph.items import ItemTable, Path, check_item, newest_first
from chatstore.langgraph.plans import Plan, async_run, run


class ChatStoreMemory(BaseStore):
    """Keeps items of LangGraph's long-term memory in a store, sync and async.

    The items of a namespace are one conversation. Items have no ttl of their own: the store's ttl
    removes a namespace a set time after its last write.

    Without an index of embeddings, a search by ``query`` returns the items that were changed last.

    Every method may raise `chatstore.core.ChatStoreError`.
    """

    __slots__ = ("_store", "_table")

    def __init__(self, store: ChatStore, *, name: str = "langgraph-memory") -> None:
        """Keep items in a store; nothing is sent before the first call.

        Args:
            store: Such as ``chatstore.core.open_store(url)`` returns; it is not closed.
            name: What the keys of all conversations begin with. Two memories with different names
                share nothing.

        Raises:
            InvalidArgumentError: ``store`` is not a store, or ``name`` is empty.

        """
        join_key(name)
        self._store = check_store(store)
        self._table = ItemTable(name)

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Run operations in their order; of several puts of one item, only the last one.

        Raises:
            InvalidArgumentError: A key is not a string, a value is not a JSON object, or one of
                them contains a lone surrogate.
            InvalidNamespaceError: A label is empty, or contains a period.
            ValueError: A filter has an unknown operator.

        """
        return run(self._store, self._run(ops))

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Like `batch`, but awaitable."""
        return await async_run(self._store, self._run(ops))

    def _run(self, ops: Iterable[Op]) -> Plan[list[Result]]:
        batch = list(ops)
        for op in batch:
            validate_op_namespace(op)
            if isinstance(op, PutOp) and op.value is not None:
                check_item(op.key, op.value)
        results: list[Result] = []
        puts: dict[tuple[Path, str], PutOp] = {}
        for op in batch:
            if isinstance(op, PutOp):
                puts[op.namespace, op.key] = op
                results.append(None)
            else:
                results.append((yield from self._read(op)))
        # Reads come first: they see what was stored before the batch, as in LangGraph's stores.
        for op in puts.values():
            if op.value is None:
                yield from self._table.delete(op.namespace, op.key)
            else:
                yield from self._table.put(op.namespace, op.key, op.value)
        return results

    def _read(self, op: GetOp | SearchOp | ListNamespacesOp) -> Plan[Result]:
        if isinstance(op, GetOp):
            return (yield from self._table.get(op.namespace, op.key))
        if isinstance(op, SearchOp):
            return (yield from self._search(op))
        return (yield from self._list_namespaces(op))

    def _search(self, op: SearchOp) -> Plan[list[SearchItem]]:
        namespaces = yield from self._table.walk(op.namespace_prefix)
        items = [
            item
            for batch in namespaces.values()
            for item in batch
            if matches_filter(item.value, op.filter)
        ]
        page = newest_first(items)[op.offset : op.offset + op.limit]
        return [_to_search_item(item) for item in page]

    def _list_namespaces(self, op: ListNamespacesOp) -> Plan[list[Path]]:
        conditions = op.match_conditions or ()
        namespaces = yield from self._table.walk(_common_prefix(op))
        matching = {
            namespace[: op.max_depth]
            for namespace in namespaces
            if all(matches_namespace(namespace, condition) for condition in conditions)
        }
        return sorted(matching)[op.offset : op.offset + op.limit]


def _common_prefix(op: ListNamespacesOp) -> Path:
    """Return where all listed namespaces begin, so that no others are read."""
    prefix: list[str] = []
    for condition in op.match_conditions or ():
        if condition.match_type == "prefix" and not prefix:
            for label in condition.path:
                if label == "*":
                    break
                prefix.append(label)
    return tuple(prefix)


def _to_search_item(item: Item) -> SearchItem:
    return SearchItem(
        namespace=item.namespace,
        key=item.key,
        value=item.value,
        created_at=item.created_at,
        updated_at=item.updated_at,
    )
