"""Chat history of Microsoft Agent Framework in any store."""
