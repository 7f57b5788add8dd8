"""What a layer adds to a call: ``make layers``."""
