"""The demo of ``chatstore demo`` and ``make demo``; it needs Rich, but not Typer."""
