"""How much of each request a provider's prompt cache can reuse: ``make windows``."""
