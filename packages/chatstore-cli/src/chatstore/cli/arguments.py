"""The arguments and options that commands share: the same names and meanings everywhere."""

from __future__ import annotations

from typing import Annotated

import typer

URL_VARIABLE = "CHATSTORE_URL"

Url = Annotated[
    str | None,
    typer.Argument(
        metavar="URL",
        envvar=URL_VARIABLE,
        show_default=False,
        help="The store, such as sqlite:///chat.db or redis://localhost:6379.",
    ),
]
"""The store; always the last argument, with the default ``None``."""

Key = Annotated[str, typer.Argument(metavar="KEY", help="The conversation's key.")]
Owner = Annotated[
    str | None, typer.Option("--owner", metavar="OWNER", help="Only this owner's conversations.")
]
Prefix = Annotated[
    str, typer.Option("--prefix", metavar="TEXT", help="Only keys that begin with this.")
]
Limit = Annotated[
    int | None, typer.Option("--limit", metavar="N", min=1, help="At most N results.")
]
Json = Annotated[
    bool, typer.Option("--json", help="Print JSON: one object per line, for programs.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
