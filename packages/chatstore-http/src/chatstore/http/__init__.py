"""Serves the conversations of LLM applications over HTTP, with FastAPI or Starlette.

`chatstore.http.fastapi.router` and `chatstore.http.starlette.routes` return the routes.
"""

from chatstore.http.answer import Answer
from chatstore.http.answers import Answers
from chatstore.http.owned import OwnedConversations
from chatstore.http.paths import path_segment

__all__ = ["Answer", "Answers", "OwnedConversations", "path_segment"]
