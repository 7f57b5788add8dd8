"""Conversations in Redis's data structures: the scripts and plans that its stores share."""

from chatstore.redis_scripts.backend import ScriptBackend
from chatstore.redis_scripts.client import (
    Attempt,
    Command,
    ScanPage,
    ScriptClient,
    foreign_cursor,
    scan_command,
)
from chatstore.redis_scripts.clients import Clients
from chatstore.redis_scripts.errors import Verdict, judge_reply
from chatstore.redis_scripts.reading import Limits
from chatstore.redis_scripts.scripts import Script
from chatstore.redis_scripts.sending import ErrorRules, Sender

__all__ = [
    "Attempt",
    "Clients",
    "Command",
    "ErrorRules",
    "Limits",
    "ScanPage",
    "Script",
    "ScriptBackend",
    "ScriptClient",
    "Sender",
    "Verdict",
    "foreign_cursor",
    "judge_reply",
    "scan_command",
]
