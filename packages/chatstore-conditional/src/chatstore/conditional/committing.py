"""One change of a conversation: conditional, tried again until it took effect, exactly once."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any, Generic, TypeVar

from chatstore.conditional.changes import (
    Commit,
    Decide,
    Edited,
    NewMessage,
    Nothing,
    Preparation,
    Proposal,
    View,
    commit_of,
    marked,
    records,
)
from chatstore.conditional.context import Context, Known
from chatstore.conditional.effects import Attempt, took_effect
from chatstore.conditional.head import (
    REMEMBERED,
    Garbage,
    Head,
    Staging,
)
from chatstore.conditional.names import new_name
from chatstore.conditional.observing import STAGING_TIME
from chatstore.conditional.reading import OutdatedError, read_head
from chatstore.conditional.tidying import tidy
from chatstore.core import StoreUnavailableError
from chatstore.core.backend import Plan

C = TypeVar("C")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.5
_STAGED_AT_ONCE = 200  # records: few enough to show life in between
_STAGED_BYTES = 4_000_000


class Change(Generic[C]):
    """Carries one change out.

    `decide` looks at a head. It is asked again whenever the head has changed.
    """

    def __init__(self, context: Context[C], key: str, decide: Decide[C]) -> None:
        """Note what is to be done."""
        self.request = new_name()
        self._context = context
        self._database = context.database
        self._key = key
        self._decide = decide
        self._staged: int | None = None  # the number of the first record that was staged
        self._unanswered: list[Attempt] = []
        self._deadline = monotonic() + context.patience
        self._pause = _FIRST_PAUSE
        self._refused: str | None = None
        self._outdated: str | None = None
        self._is_remembered = False
        self._result: Any = None

    def run(self, hint: Known | None) -> Plan[C, tuple[Any, Known | None]]:
        """Return the call's result, and the head that is known now with its version.

        Raises:
            StoreUnavailableError: Others were faster again and again.
            OutcomeUnknownError: The answer to a commit was lost, and others wrote so much since
                that it cannot be found out whether it took effect.

        """
        known: tuple[Head | None, str | None] | None = hint
        self._is_remembered = hint is not None
        while True:
            if known is None:
                known = yield from read_head(self._database, self._key)
                self._is_remembered = False
            (head, version), known = known, None
            attempt = yield from self._taken_effect(head, version)
            if attempt is not None:
                return attempt.result, _known(head, version)
            current = self._context.current(head, self.request)
            try:
                decision = yield from self._decide(View(current, version == self._outdated))
            except OutdatedError as error:
                if version == self._outdated:
                    raise error.error from None
                self._outdated = version
                continue
            if not isinstance(decision, Nothing):
                written = yield from self._try(head, version, current, decision)
                if written is not None and self.request in written[0].requests:
                    return self._result, written
                known = written
            elif any(attempt.version == version for attempt in self._unanswered):
                # A commit without an answer may still arrive: after this one it is refused.
                known = yield from self._try(head, version, current, Preparation(Edited(current)))
            elif (yield from self._is_current(version, decision)):
                return decision.result, _known(head, version)

    def _taken_effect(self, head: Head | None, version: str | None) -> Plan[C, Attempt | None]:
        for attempt in self._unanswered:
            if (yield from took_effect(self._database, self._key, attempt, head, version)):
                return attempt
        return None

    def _is_current(self, version: str | None, decision: Nothing) -> Plan[C, bool]:
        """Whether there is nothing to write still; a commit would prove it, so it is looked up."""
        if not (self._is_remembered or decision.is_of_records):
            return True
        _, present = yield from read_head(self._database, self._key)
        return present == version

    def _try(
        self, stored: Head | None, version: str | None, current: Head, decision: Any
    ) -> Plan[C, Known | None]:
        """Write once; where it is not sure whether that took effect, wait a little."""
        error: Exception | None = None
        try:
            if isinstance(decision, Proposal):
                written = yield from self._write(stored, version, current, decision)
            else:
                commit = commit_of(stored, decision.edited)
                written = yield from self._commit(version, commit)
        except Exception as caught:
            if not self._context.is_doubtful(caught):
                raise
            error, written = caught, None
        if written is None:
            if monotonic() + self._pause > self._deadline:
                message = "others wrote to this conversation again and again"
                raise error or StoreUnavailableError(message)
            yield from self._database.sleep(random.uniform(0, self._pause))
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        return written

    def _write(
        self, stored: Head | None, version: str | None, current: Head, proposal: Proposal
    ) -> Plan[C, Known | None]:
        """Commit a proposal, or stage it; return the head that was written, ``None``: not sure."""
        own = self._own(current)
        is_staged = own is not None and own.number == self._staged
        number = own.number if own is not None and is_staged else current.numbers
        edited = proposal.edit(current, number)
        commit = commit_of(stored, edited)
        commit.deletes[:0] = proposal.deletes
        messages, limits = proposal.messages, self._database.limits
        new = commit.head
        if messages and not is_staged:
            commit.puts.update(records(current.stream, number, messages, self.request))
            if not commit.fits(limits, self._database.weigh):
                return (yield from self._stage(stored, version, current, messages))
            new = new._replace(numbers=number + len(messages))
        new = new._replace(
            requests=(*current.requests, self.request)[-REMEMBERED:],
            sequence=current.sequence + 1,
            is_cut=new.is_cut or _is_cut(messages),
            stagings=tuple(s for s in new.stagings if not is_staged or s.owner != self.request),
        )
        commit = commit._replace(head=self._context.lasting(new))
        room = limits.operations - 1 - len(commit.puts) - len(commit.deletes)
        commit = marked(commit, messages, number, room)
        attempt = Attempt(
            proposal.result,
            self.request,
            version,
            current,
            commit,
            range(number, number + len(messages)),
            is_staged=is_staged,
            removed=proposal.removed,
        )
        # What was sent for an earlier head cannot take effect any more.
        still = [other for other in self._unanswered if other.version == version]
        self._unanswered = [*still, attempt]
        self._result = proposal.result
        written = yield from self._commit(version, commit)
        self._unanswered = still
        return written

    def _commit(self, version: str | None, commit: Commit) -> Plan[C, Known | None]:
        deletes = commit.deletes
        if deletes and version == self._refused:
            # Only a record that is missing can be why: somebody removed it by hand.
            deletes = list((yield from self._database.read_records(self._key, deletes)))
        self._refused = None
        head = commit.head
        committed = yield from self._database.commit(
            self._key, version, head.dump(), commit.puts, deletes, head.lifetime
        )
        if committed is None:
            self._refused = version
            return None
        return head, committed

    def _own(self, head: Head) -> Staging | None:
        return next((s for s in head.stagings if s.owner == self.request), None)

    def _stage(
        self,
        stored: Head | None,
        version: str | None,
        current: Head,
        messages: Sequence[NewMessage],
    ) -> Plan[C, Known | None]:
        """Note in the head what is written, and write records where nobody reads them."""
        own = self._own(current)
        known = _known(stored, version)
        if own is None:
            count = len(messages)
            own = Staging(self.request, current.numbers, count, is_cut=_is_cut(messages))
            noted = current._replace(
                stagings=(*current.stagings, own), numbers=current.numbers + count
            )
            if self._staged is not None:
                # Others took the staging for abandoned; records may have been written since.
                lost = Garbage(self._staged, self._staged + count, "", own.is_cut)
                noted = noted._replace(garbage=(*noted.garbage, lost))
                self._staged = None
            if not noted.entries:
                noted = self._context.lasting(noted)
            known = yield from self._commit(version, commit_of(stored, Edited(noted)))
            if known is None:
                return None
            # Writers that are killed again and again must not leave more and more.
            known = yield from tidy(self._context, self._key, known, extra=count)
        beat = monotonic()
        for batch in self._batches(records(current.stream, own.number, messages, self.request)):
            yield from self._database.stage(self._key, batch)
            if monotonic() - beat >= STAGING_TIME / 4:
                yield from self._show_life()
                beat = monotonic()
                known = None
        self._staged = own.number
        return known or (yield from self._reread())

    def _reread(self) -> Plan[C, Known | None]:
        return _known(*(yield from read_head(self._database, self._key)))

    def _batches(self, puts: Mapping[str, str]) -> list[dict[str, str]]:
        batches: list[dict[str, str]] = [{}]
        size = 0
        for name, text in puts.items():
            if len(batches[-1]) >= _STAGED_AT_ONCE or size + len(text) > _STAGED_BYTES:
                batches.append({})
                size = 0
            batches[-1][name] = text
            size += len(text)
        return batches

    def _show_life(self) -> Plan[C, None]:
        """Change the staging, so that others see that it is not abandoned."""
        known = yield from self._reread()
        own = None if known is None else self._own(known[0])
        if known is None or own is None:
            return
        alive = own._replace(beat=own.beat + 1, noticed=None)
        head = known[0]._replace(
            stagings=tuple(alive if s is own else s for s in known[0].stagings)
        )
        # A refusal is harmless: the next batch tries again.
        yield from self._database.commit(self._key, known[1], head.dump(), {}, (), head.lifetime)


def _is_cut(messages: Sequence[NewMessage]) -> bool:
    return any(len(message.parts) > 1 for message in messages)


def _known(head: Head | None, version: str | None) -> Known | None:
    return None if head is None or version is None else (head, version)
