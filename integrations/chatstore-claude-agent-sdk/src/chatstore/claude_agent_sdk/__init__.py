"""Sessions of the Claude Agent SDK in any store."""
