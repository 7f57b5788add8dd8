"""List, read, copy, export, check and erase the conversations of LLM applications."""
