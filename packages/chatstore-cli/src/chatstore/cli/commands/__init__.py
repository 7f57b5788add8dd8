"""The commands of ``chatstore``: one module for each, with a function of the same name.

`chatstore.cli.app` registers the functions; the list there is the order of ``chatstore --help``.
Modules of commands import `typer` and what is small. Stores, Rich and everything else that takes
time to load are imported where they are used, so that ``--help`` and shell completion answer at
once.
"""
