"""A router for FastAPI and Starlette that serves the conversations of LLM applications."""
