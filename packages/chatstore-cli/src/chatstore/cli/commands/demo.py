"""``chatstore demo``: what a store does, on your own database."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from chatstore.cli.arguments import URL_VARIABLE, Url
from chatstore.cli.errors import CommandError
from chatstore.cli.output import console, flush, print_text
from chatstore.cli.stores import open_or_create

if TYPE_CHECKING:
    from chatstore.core import ChatStore


def demo(
    url: Url = None,
    *,
    tenant: Annotated[
        str,
        typer.Option("--continue", hidden=True, help="Be the second process, for this prefix."),
    ] = "",
) -> None:
    """Store a conversation with two processes, and show what a model would be sent.

    Without URL in a temporary SQLite file; otherwise under a prefix that is deleted again.
    """
    from chatstore.cli.demo.transcript import DemoFailedError, continue_sample, show_sample

    with _address(url) as address, open_or_create(address) as store:
        if tenant:
            print_text(continue_sample(_part(store, tenant)))
            return
        from chatstore.cli.throwaway import new_tenant, throwaway

        name = new_tenant()
        with throwaway(store, name) as temporary:
            try:
                show_sample(
                    console(), temporary, lambda: _continue(store, temporary, address, name)
                )
            except DemoFailedError as error:
                raise CommandError(str(error)) from None
        print_text(("Everything was deleted again.", "bold"))


@contextmanager
def _address(url: str | None) -> Iterator[str]:
    """Provide the URL, or that of a temporary file."""
    if url:
        yield url
        return
    with TemporaryDirectory() as folder:
        yield f"sqlite:///{Path(folder, 'chat.db').as_posix()}"


def _part(store: ChatStore, tenant: str) -> ChatStore:
    from chatstore.core import ChatStore
    from chatstore.core.layers import PrefixedBackend

    return ChatStore(PrefixedBackend(store.backend, tenant))


def _continue(store: ChatStore, part: ChatStore, address: str, tenant: str) -> None:
    from chatstore.cli.demo.transcript import continue_sample
    from chatstore.core import SimpleChatStore

    if isinstance(store, SimpleChatStore):  # other processes do not see it
        print_text(continue_sample(part))
        return
    flush()
    done = subprocess.run(  # noqa: S603 - this program
        [sys.executable, "-m", "chatstore.cli", "demo", "--continue", tenant],
        env={**os.environ, URL_VARIABLE: address},  # not in the list of processes
        check=False,
    )
    if done.returncode:
        raise CommandError("the second process failed")
