"""``Editor``: changes the index of a conversation, without I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chatstore.conditional import entries as index
from chatstore.conditional.entries import Entry, child, joined, run_of, spliced


class Editor:
    """Changes entries. Nodes are never overwritten: a changed node is a new one.

    Attributes:
        next_node: The number of the next node.
        written: The new nodes, by number.
        replaced: The numbers of stored nodes that nothing refers to any more.

    """

    def __init__(self, next_node: int, nodes: Mapping[int, Sequence[Entry]] | None = None) -> None:
        """Prepare a change.

        Args:
            next_node: The number of the next node.
            nodes: The nodes that lead to the message that changes.

        """
        self.next_node = next_node
        self.written: dict[int, list[Entry]] = {}
        self.replaced: list[int] = []
        self._nodes = nodes or {}

    def appended(self, entries: Sequence[Entry], next_position: int, run: Entry) -> list[Entry]:
        """Return entries with a run at the next position."""
        skip = next_position - index.length(entries)
        return joined([*entries, run._replace(skip=skip)])

    def removed(self, entries: Sequence[Entry], number: int) -> list[Entry]:
        """Return entries without the message at an index."""
        at, rest = child(entries, number)
        entry = entries[at]
        if entry.level:
            return self._changed(entries, at, self.removed(self._nodes[entry.number], rest))
        behind = entry.size - rest - 1
        pieces = [
            run_of(entry.number, rest, entry.skip),
            run_of(entry.number + rest + 1, behind, 1 if rest else entry.skip + 1),
        ]
        return spliced(entries, at, [piece for piece in pieces if piece.size])

    def rewritten(self, entries: Sequence[Entry], number: int, record: int) -> list[Entry]:
        """Return entries with another record for the message at an index, at its position."""
        at, rest = child(entries, number)
        entry = entries[at]
        if entry.level:
            inner = self.rewritten(self._nodes[entry.number], rest, record)
            return self._changed(entries, at, inner)
        pieces = [
            run_of(entry.number, rest, entry.skip),
            run_of(record, 1, 0 if rest else entry.skip),
            run_of(entry.number + rest + 1, entry.size - rest - 1),
        ]
        return spliced(entries, at, [piece for piece in pieces if piece.size])

    def truncated(self, entries: Sequence[Entry], number: int) -> tuple[list[Entry], list[Entry]]:
        """Return entries without the messages from an index on, and the entries of these."""
        at, rest = child(entries, number)
        entry = entries[at]
        before, behind = list(entries[:at]), list(entries[at + 1 :])
        if not entry.level:
            pieces = [run_of(entry.number, rest, entry.skip)] if rest else []
            removed = run_of(entry.number + rest, entry.size - rest)
            return [*before, *pieces], [removed, *behind]
        if not rest:
            return before, [entry, *behind]
        inner, removed_inner = self.truncated(self._nodes[entry.number], rest)
        return self._changed([*before, entry], at, inner), [*removed_inner, *behind]

    def inserted(self, entries: Sequence[Entry], number: int, run: Entry) -> list[Entry]:
        """Return entries with a run before the message at an index; later positions change."""
        at, rest = child(entries, number)
        entry = entries[at]
        if entry.level:
            inner = self.inserted(self._nodes[entry.number], rest, run)
            return self._changed(entries, at, inner, added=run.size)
        pieces = [
            run_of(entry.number, rest, entry.skip),
            run._replace(skip=0 if rest else entry.skip),
            run_of(entry.number + rest, entry.size - rest),
        ]
        return spliced(entries, at, [piece for piece in pieces if piece.size])

    def folded(self, entries: Sequence[Entry]) -> tuple[Entry, ...]:
        """Return at most `HEAD_ENTRIES` entries: the others are moved into nodes.

        Entries of the lowest level are moved first, and of these the oldest. So the newest
        messages stay in the head, and the tree stays low.
        """
        result = list(entries)
        while len(result) > index.HEAD_ENTRIES:
            width = index.FOLDED_ENTRIES
            starts = range(len(result) - width + 1)
            start = min(starts, key=lambda at: max(e.level for e in result[at : at + width]))
            inner = result[start : start + width]
            first, inner[0] = inner[0], inner[0]._replace(skip=0)
            level = max(entry.level for entry in inner) + 1
            node = self._node(inner, first.skip, index.length(inner), level)
            result[start : start + width] = [node]
        return tuple(result)

    def _changed(
        self, entries: Sequence[Entry], at: int, inner: Sequence[Entry], added: int = 0
    ) -> list[Entry]:
        """Return entries with a node that has other entries now."""
        entry = entries[at]
        self.replaced.append(entry.number)
        span = entry.span + added
        if len(inner) > index.NODE_ENTRIES:
            middle = len(inner) // 2
            left, right = inner[:middle], inner[middle:]
            covered = index.length(left)
            pieces = [
                self._node(left, entry.skip, covered, entry.level),
                self._node(right, 0, span - covered, entry.level),
            ]
        elif len(inner) > 1:
            pieces = [self._node(inner, entry.skip, span, entry.level)]
        else:
            pieces = [only._replace(skip=entry.skip + only.skip) for only in inner]
        return spliced(entries, at, pieces)

    def _node(self, inner: Sequence[Entry], skip: int, span: int, level: int) -> Entry:
        number = self.next_node
        self.next_node += 1
        self.written[number] = list(inner)
        least, most = zip(*(entry.numbers for entry in inner), strict=True)
        count = sum(entry.size for entry in inner)
        return Entry(skip, span, count, number, level, min(least), max(most))
