"""What replies of a server mean."""

from __future__ import annotations

import pytest

from chatstore.core import (
    CorruptStoreError,
    SchemaVersionError,
    StoreAccessError,
    StoreFullError,
    StoreSetupError,
    StoreUnavailableError,
)
from chatstore.redis_scripts import judge_reply


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ("OOM command not allowed when used memory > 'maxmemory'.", StoreFullError),
        ("MISCONF Redis is configured to save RDB snapshots", StoreFullError),
        ("READONLY You can't write against a read only replica.", StoreAccessError),
        ("NOPERM this user has no permissions to run the 'evalsha' command", StoreAccessError),
        ("WRONGPASS invalid username-password pair or user is disabled.", StoreAccessError),
        ("NOAUTH Authentication required.", StoreAccessError),
        ("LOADING Redis is loading the dataset in memory", StoreUnavailableError),
        ("MOVED 866 10.0.0.1:6379", StoreSetupError),
        ("CLUSTERDOWN The cluster is down", StoreUnavailableError),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", CorruptStoreError),
        ("CHATSTORE schema 2", SchemaVersionError),
        ("ERR secret", StoreUnavailableError),
        ("", StoreUnavailableError),
    ],
)
def test_replies_have_their_kind_and_are_not_quoted(reply: str, kind: type[Exception]) -> None:
    verdict = judge_reply(reply)
    text = verdict.text
    assert verdict.error is kind
    assert text
    assert "secret" not in text
    assert "10.0.0.1" not in text
