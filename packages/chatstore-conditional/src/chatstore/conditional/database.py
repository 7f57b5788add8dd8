"""What a database must be able to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from chatstore.core.backend import Plan


class Limits(NamedTuple):
    """What one commit and one record may be.

    Attributes:
        operations: Writes in one commit, the head's included; at least 24.
        commit_bytes: All bodies of a commit, as `Database.weigh` weighs them.
        record_bytes: One body.

    """

    operations: int
    commit_bytes: int
    record_bytes: int


class Database(Protocol):
    """One partition a conversation: a head, and records by id.

    Every method but `weigh` is a plan: a generator that yields calls on the client of either
    colour. Ids of records are of at most 64 characters: letters, digits, ``-``, ``.`` and ``_``.
    A version never comes again, not even after a head was deleted and made anew.
    """

    limits: Limits

    def weigh(self, body: str) -> int:
        """Return the bytes that a body has by the service's own measure, at most."""
        raise NotImplementedError

    def read_head(self, key: str) -> Plan[tuple[str, str] | None]:
        """Return the head and its version, as they are now; ``None``: there is none."""
        raise NotImplementedError

    def read_records(self, key: str, ids: Sequence[str]) -> Plan[dict[str, str]]:
        """Return those of the records that there are, as they are now."""
        raise NotImplementedError

    def commit(
        self,
        key: str,
        expected: str | None,
        head: str,
        puts: Mapping[str, str],
        deletes: Sequence[str],
        lifetime: float | None = None,
    ) -> Plan[str | None]:
        """Write all or nothing, if the head's version is the expected one.

        Args:
            key: The conversation.
            expected: The version; ``None``: if there is no head.
            head: The new head.
            puts: New records by id; there are none under these ids.
            deletes: Records that there are.
            lifetime: Seconds after which the service may delete the head by itself, where it does
                such things: nobody needs it any more. ``None``: it stays.

        Returns:
            The head's new version; ``None`` where the condition did not hold and this very call
            surely wrote nothing.

        Raises:
            Exception: The driver's, which the store translates to `StoreUnavailableError` where
                it is not known whether the commit took effect. So it is with a refusal of what
                the driver has sent a second time.

        """
        raise NotImplementedError

    def delete_head(self, key: str, expected: str) -> Plan[None]:
        """Delete the head, if its version is the expected one."""
        raise NotImplementedError

    def stage(self, key: str, puts: Mapping[str, str]) -> Plan[None]:
        """Write any number of records, in no order and not at one moment."""
        raise NotImplementedError

    def discard(self, key: str, ids: Sequence[str]) -> Plan[None]:
        """Delete any number of records, where there are any."""
        raise NotImplementedError

    def list_heads(
        self, prefix: str, limit: int, cursor: Any | None
    ) -> Plan[tuple[list[tuple[str, str]], Any | None]]:
        """Return about so many keys with their heads, and the cursor of the next page.

        A page may be empty; ``None`` ends the list. The cursor of the first page is ``None``.
        """
        raise NotImplementedError

    def sleep(self, seconds: float) -> Plan[None]:
        """Wait."""
        raise NotImplementedError
