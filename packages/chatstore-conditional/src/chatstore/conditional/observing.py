"""Which stagings were abandoned, without trust in any clock.

A staging is abandoned when this process saw it unchanged for `STAGING_TIME` by its own monotonic
clock. Processes that live for a shorter time than that leave a note in the head when they first
see it; `NOTICED_TIME` after that note it is abandoned, too, so that a clock has to be fast by a
week to end another writer's staging. The note is no earlier than the last write, so that a slow
clock does no harm. And it is abandoned when `MOST_STAGINGS` others began after
it, so that the head has a bounded size while writers are killed again and again.
"""

from __future__ import annotations

from time import monotonic

from chatstore.conditional.head import Garbage, Head, Staging

STAGING_TIME = 600.0
"""Seconds after which a staging that nobody changes is abandoned."""

NOTICED_TIME = 604_800.0
"""Seconds after which a staging that a process noticed is abandoned for all others."""

MOST_STAGINGS = 32

_REMEMBERED = 4096


class Observer:
    """Remembers when this process saw which stagings first."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self._seen: dict[tuple[str, int], tuple[int, float]] = {}

    def without_abandoned(self, head: Head, now: float, owner: str | None = None) -> Head:
        """Return a head whose abandoned stagings are garbage, and whose others are noticed.

        Args:
            head: A head, as it was read.
            now: The time in seconds since 1970.
            owner: The request that asks; its own staging is left as it is.

        """
        if not head.stagings:
            return head
        late = head.stagings[: max(0, len(head.stagings) - MOST_STAGINGS)]
        kept: list[Staging] = []
        garbage = list(head.garbage)
        for staging in head.stagings:
            if staging.owner == owner:
                kept.append(staging)
            elif staging in late or self._is_abandoned(head.stream, staging, now):
                _add(garbage, abandoned(staging))
                self._seen.pop((head.stream, staging.number), None)
            elif staging.noticed is None:
                kept.append(staging._replace(noticed=round(max(now, head.written or 0.0), 3)))
            else:
                kept.append(staging)
        return head._replace(stagings=tuple(kept), garbage=tuple(garbage))

    def _is_abandoned(self, stream: str, staging: Staging, now: float) -> bool:
        place = (stream, staging.number)
        beat, first = self._seen.get(place, (None, 0.0))
        if beat != staging.beat:
            first = monotonic()
            self._seen[place] = (staging.beat, first)
            if len(self._seen) > _REMEMBERED:
                self._seen.pop(next(iter(self._seen.copy())), None)
        if monotonic() - first >= STAGING_TIME:
            return True
        return staging.noticed is not None and now - staging.noticed >= NOTICED_TIME


def abandoned(staging: Staging) -> Garbage:
    """Return the records of a staging as garbage; they have no markers."""
    return Garbage(staging.number, staging.end, "", staging.is_cut)


def _add(garbage: list[Garbage], item: Garbage) -> None:
    """Add garbage; what continues the last range makes it longer."""
    last = garbage[-1] if garbage else None
    if last is not None and last == item._replace(first=last.first, end=item.first):
        item = garbage.pop()._replace(end=item.end)
    garbage.append(item)
