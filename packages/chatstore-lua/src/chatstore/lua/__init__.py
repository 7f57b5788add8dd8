"""Conversations in Redis's data structures: the scripts and plans that its clients share."""

from chatstore.lua.client import Meanwhile, ScriptClient
from chatstore.lua.errors import Verdict, judge_reply
from chatstore.lua.scripts import Script
from chatstore.lua.store import ScriptChatStore

__all__ = ["Meanwhile", "Script", "ScriptChatStore", "ScriptClient", "Verdict", "judge_reply"]
