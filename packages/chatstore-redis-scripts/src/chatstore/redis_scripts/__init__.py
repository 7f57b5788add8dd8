"""Conversations in Redis's data structures: the scripts and plans that its clients share."""

from chatstore.redis_scripts.client import Meanwhile, ScriptClient
from chatstore.redis_scripts.errors import Verdict, judge_reply
from chatstore.redis_scripts.scripts import Script
from chatstore.redis_scripts.store import ScriptChatStore

__all__ = ["Meanwhile", "Script", "ScriptChatStore", "ScriptClient", "Verdict", "judge_reply"]
