"""Spans and metrics for the conversations of LLM applications."""
