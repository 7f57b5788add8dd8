"""The permissions of the README's user, derived from the commands of the scripts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from chatstore.redis_scripts.scripts import required_commands

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
PASSWORD = "hunter2"
CLUSTER_COMMANDS = [
    "CLUSTER|SLOTS",
    "COMMAND",
]  # redis-py asks for the nodes and for the positions of keys


def expected_rights() -> tuple[str, str]:
    """Return the README's lines: for a single server, and for a cluster's nodes."""
    allowed = " ".join(f"+{name.lower()}" for name in required_commands())
    line = f"ACL SETUSER chat on >PASSWORD resetkeys ~chatstore:* resetchannels -@all {allowed}"
    more = " ".join(f"+{name.lower()}" for name in CLUSTER_COMMANDS)
    return line, f"ACL SETUSER chat {more}"


def stated_rights() -> tuple[str, str]:
    """Return the lines of the README, where each is wrapped."""
    joined = re.sub(r" \\\n +", " ", README)
    single, cluster = re.findall(r"^ACL SETUSER chat .*$", joined, re.MULTILINE)
    return single, cluster


def add_user(client: Any, namespace: str, *, is_cluster: bool = False) -> str:
    """Create a user with exactly the README's permissions; return the login for a URL."""
    lines = stated_rights()[: 2 if is_cluster else 1]
    name = f"user-{namespace}"
    for line in lines:
        words = line.split()
        words[2] = name
        words = [
            word.replace("PASSWORD", PASSWORD).replace("chatstore:", f"{namespace}:")
            for word in words
        ]
        client.execute_command(*words)
    return f"{name}:{PASSWORD}"
