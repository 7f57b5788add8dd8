"""``Updating``: the decision that changes the record of a conversation."""

from __future__ import annotations

from typing import Generic, TypeVar

from chatstore.conditional.database import Database
from chatstore.conditional.decisions import Decision, Edited, Nothing, Proposal
from chatstore.conditional.details import read_record, with_record
from chatstore.conditional.head import Head, emptied
from chatstore.conditional.lookup import View
from chatstore.core.backend import Plan, Update, check_revision

C = TypeVar("C")


class Updating(Generic[C]):
    """Changes the record of a conversation, if it is as the caller knows it."""

    def __init__(self, database: Database[C], key: str, write: Update) -> None:
        """Take the old and the new record."""
        self._database = database
        self._key = key
        self._write = write

    def __call__(self, view: View) -> Plan[C, Decision]:
        """Decide for a head."""
        head = view.head
        if not head.exists:
            return Nothing(None)
        record = yield from read_record(self._database, self._key, head)
        if record != self._write.before:
            return Nothing(None, depends_on_records=head.details is not None)
        check_revision(self._write.expected_revision, head.current_revision)
        return Proposal(None, self._edit)

    def _edit(self, head: Head, _: int) -> Edited:
        before, after = self._write.before, self._write.after
        if after.index_entry != before.index_entry:
            head = head._replace(refreshed=None)
        new, details = with_record(self._database, head, after)
        return Edited(new if new.exists else emptied(new), details)
