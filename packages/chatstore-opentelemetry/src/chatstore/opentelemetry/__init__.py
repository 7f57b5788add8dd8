"""Spans and metrics for the conversations of LLM applications."""

from chatstore.opentelemetry.backend import TracedBackend

__all__ = ["TracedBackend"]
