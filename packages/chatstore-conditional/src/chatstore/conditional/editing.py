"""Changes the index of a conversation; it does no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chatstore.conditional import entries as index
from chatstore.conditional.entries import Entry, joined, run_of, spliced


class Editor:
    """Changes entries; nodes are never overwritten, a changed node is a new one.

    Attributes:
        nodes: The number of the next node.
        written: The nodes that were made, by number.
        replaced: Numbers of stored nodes that nothing names any more.

    """

    def __init__(self, nodes: int, loaded: Mapping[int, Sequence[Entry]] | None = None) -> None:
        """Take the number of the next node, and the nodes that lead to the place of the change."""
        self.nodes = nodes
        self.written: dict[int, list[Entry]] = {}
        self.replaced: list[int] = []
        self._loaded = loaded or {}

    def appended(self, entries: Sequence[Entry], following: int, run: Entry) -> list[Entry]:
        """Return entries with a run at the next position."""
        skip = following - index.length(entries)
        return joined([*entries, run._replace(skip=skip)])

    def removed(self, entries: Sequence[Entry], number: int) -> list[Entry]:
        """Return entries without one message, counted from 0."""
        at, rest = child(entries, number)
        entry = entries[at]
        if entry.level:
            return self._changed(entries, at, self.removed(self._loaded[entry.number], rest))
        behind = entry.size - rest - 1
        pieces = [
            run_of(entry.number, rest, entry.skip),
            run_of(entry.number + rest + 1, behind, 1 if rest else entry.skip + 1),
        ]
        return spliced(entries, at, [piece for piece in pieces if piece.size])

    def inserted(self, entries: Sequence[Entry], number: int, run: Entry) -> list[Entry]:
        """Return entries with a run before one message, counted from 0; positions behind move."""
        at, rest = child(entries, number)
        entry = entries[at]
        if entry.level:
            inner = self.inserted(self._loaded[entry.number], rest, run)
            return self._changed(entries, at, inner, added=run.size)
        pieces = [
            run_of(entry.number, rest, entry.skip),
            run._replace(skip=0 if rest else entry.skip),
            run_of(entry.number + rest, entry.size - rest),
        ]
        return spliced(entries, at, [piece for piece in pieces if piece.size])

    def folded(self, entries: Sequence[Entry]) -> tuple[Entry, ...]:
        """Return at most `HEAD_ENTRIES` entries: others are moved into nodes.

        The ones of the lowest level go first, and of these the oldest: so the newest messages stay
        in the head, and the tree stays low.
        """
        result = list(entries)
        while len(result) > index.HEAD_ENTRIES:
            width = index.FOLDED
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
        """Return entries with a node whose content changed."""
        entry = entries[at]
        self.replaced.append(entry.number)
        span = entry.span + added
        if len(inner) > index.NODE_ENTRIES:
            middle = len(inner) // 2
            left, right = inner[:middle], inner[middle:]
            here = index.length(left)
            pieces = [
                self._node(left, entry.skip, here, entry.level),
                self._node(right, 0, span - here, entry.level),
            ]
        elif len(inner) > 1:
            pieces = [self._node(inner, entry.skip, span, entry.level)]
        else:
            pieces = [only._replace(skip=entry.skip + only.skip) for only in inner]
        return spliced(entries, at, pieces)

    def _node(self, inner: Sequence[Entry], skip: int, span: int, level: int) -> Entry:
        number = self.nodes
        self.nodes += 1
        self.written[number] = list(inner)
        least, most = zip(*(entry.numbers for entry in inner), strict=True)
        count = sum(entry.size for entry in inner)
        return Entry(skip, span, count, number, level, min(least), max(most))


def child(entries: Sequence[Entry], number: int) -> tuple[int, int]:
    """Return which entry holds a message, counted from 0, and its number in there."""
    for at, entry in enumerate(entries):
        if number < entry.size:
            return at, number
        number -= entry.size
    raise IndexError(number)
