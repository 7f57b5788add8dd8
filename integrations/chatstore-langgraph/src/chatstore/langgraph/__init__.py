"""Checkpoints and stores of LangGraph in any store."""
