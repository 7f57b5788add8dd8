"""Sessions of Google's Agent Development Kit in any store."""
