"""``expire_earlier``: tests of expiry need not wait."""

from __future__ import annotations

from typing import Any


def expire_earlier(client: Any, namespace: str, seconds: float) -> None:
    """Let all keys of a namespace expire earlier, as if the time had passed.

    Args:
        client: A sync client of redis-py or upstash-redis.
        namespace: The beginning of the keys.
        seconds: How much earlier.

    """
    cursor: Any = 0
    while True:
        cursor, keys = client.scan(cursor, match=f"{namespace}*", count=1000)
        for key in keys:
            left = client.pttl(key)  # in milliseconds; negative: it does not expire
            if left >= 0:
                client.pexpire(key, max(0, left - round(seconds * 1000)))
        if int(cursor) == 0:
            return
