"""``chatstore view``: a page on loopback that shows conversations."""

from __future__ import annotations

import sys
import warnings
from contextlib import suppress
from typing import Annotated

import typer

from chatstore.cli.arguments import Owner, Url
from chatstore.cli.errors import CommandError
from chatstore.cli.stores import open_existing, require_url


def view(
    url: Url = None,
    *,
    owner: Owner = None,
    port: Annotated[
        int,
        typer.Option(
            "--port", metavar="N", min=0, max=65535, help="The port; 0: any that is free."
        ),
    ] = 0,
    write: Annotated[
        bool, typer.Option("--write", help="Let the page delete conversations.")
    ] = False,
    browse: Annotated[
        bool, typer.Option("--open", help="Open the page in the browser of this machine.")
    ] = False,
) -> None:
    """Show conversations in a browser, on a page that only this machine can reach."""
    with open_existing(url) as store:
        store.list_conversations(owner=owner, limit=1)  # an error is reported here, not in the page

        from chatstore.cli.secrets import hide_secrets
        from chatstore.cli.viewer import Listener, create_server
        from chatstore.core import TokenEstimateWarning

        try:
            listener = Listener(port)
        except OSError:
            raise CommandError(
                f"the port {port} is taken or not allowed: choose another one, or leave out --port"
            ) from None
        name = hide_secrets(require_url(url))
        server = create_server(store, listener, name=name, owner=owner, write=write)
        typer.echo(listener.url)
        sys.stdout.flush()  # a program may wait for the line
        typer.echo(
            f"{'The page can delete conversations' if write else 'Read-only'}; only this machine "
            "can open the address. Ctrl-C ends the viewer.",
            err=True,
        )
        if browse:
            import webbrowser

            webbrowser.open(listener.url)
        # The page says that tokens are estimated.
        warnings.simplefilter("ignore", TokenEstimateWarning)
        with suppress(KeyboardInterrupt):  # the usual end
            server.run(sockets=[listener.socket])
