"""``Observer``: recognizes abandoned stagings without trusting any clock.

A staging is abandoned if one of these is true:

- This process saw it unchanged for `STAGING_TIME` by its own monotonic clock.
- A process noted in the head that it saw the staging, and `NOTICED_TIME` has passed since. This
  is for processes that live for a shorter time than `STAGING_TIME`. Only a clock that is fast by
  a week ends another writer's staging wrongly. The note is not earlier than the last write, so a
  slow clock does no harm.
- `MAX_STAGINGS` others began after it. So the head has a bounded size while writers are killed
  again and again.
"""

from __future__ import annotations

from time import monotonic

from chatstore.conditional.head import Garbage, Head, Staging

STAGING_TIME = 600.0
"""Seconds after which a staging that nobody changes is abandoned."""

NOTICED_TIME = 604_800.0
"""Seconds after which a staging that a process noticed is abandoned for all others."""

MAX_STAGINGS = 32

_MAX_REMEMBERED = 4096


class Observer:
    """Remembers when this process first saw which staging."""

    def __init__(self) -> None:
        """Start without stagings."""
        self._seen: dict[tuple[str, int], tuple[int, float]] = {}

    def without_abandoned(self, head: Head, now: float, owner: str | None = None) -> Head:
        """Return a head whose abandoned stagings are garbage, and whose others are noticed.

        Args:
            head: A head, as it was read.
            now: The time in seconds since 1970.
            owner: The id of the request that looks; its own staging is left as it is.

        """
        if not head.stagings:
            return head
        late = head.stagings[: max(0, len(head.stagings) - MAX_STAGINGS)]
        stagings: list[Staging] = []
        garbage = list(head.garbage)
        for staging in head.stagings:
            if staging.owner == owner:
                stagings.append(staging)
            elif staging in late or self._is_abandoned(head.stream, staging, now):
                _add(garbage, garbage_of(staging))
                self._seen.pop((head.stream, staging.number), None)
            elif staging.noticed is None:
                noticed = round(max(now, head.written or 0.0), 3)
                stagings.append(staging._replace(noticed=noticed))
            else:
                stagings.append(staging)
        return head._replace(stagings=tuple(stagings), garbage=tuple(garbage))

    def _is_abandoned(self, stream: str, staging: Staging, now: float) -> bool:
        name = (stream, staging.number)
        beat, first = self._seen.get(name, (None, 0.0))
        if beat != staging.beat:
            first = monotonic()
            self._seen[name] = (staging.beat, first)
            if len(self._seen) > _MAX_REMEMBERED:
                self._seen.pop(next(iter(self._seen.copy())), None)
        if monotonic() - first >= STAGING_TIME:
            return True
        return staging.noticed is not None and now - staging.noticed >= NOTICED_TIME


def garbage_of(staging: Staging) -> Garbage:
    """Return the records of a staging as garbage; they have no markers."""
    return Garbage(staging.number, staging.end, "", staging.is_divided)


def _add(garbage: list[Garbage], item: Garbage) -> None:
    """Add garbage; a range that continues the last one is joined with it."""
    last = garbage[-1] if garbage else None
    if last is not None and last == item._replace(first=last.first, end=item.first):
        item = garbage.pop()._replace(end=item.end)
    garbage.append(item)
