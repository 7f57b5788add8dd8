"""Counting tokens."""

from chatstore.core.tokens.counter import TokenCounter
from chatstore.core.tokens.encodings import TokenEstimateWarning

__all__ = ["TokenCounter", "TokenEstimateWarning"]
