"""A server of tests: `python http_server_program.py URL [OPTION=VALUE ...]`.

It prints its port and serves the routes, and answers that a client holds or ends. With two or more
workers, each is a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI, Header
from starlette.responses import Response
from uvicorn.supervisors import Multiprocess

from chatstore.core import open_store
from chatstore.http import Answers
from chatstore.http.fastapi import router

SETTINGS = "CHATSTORE_TEST_SERVER"
PIECE = "piece {} of the answer "


def text_of(pieces: int) -> str:
    """Return the text of an answer of this number of pieces."""
    return "".join(PIECE.format(number) for number in range(pieces))


def current_user(user: Annotated[str, Header()]) -> str:
    """Return the user, whom tests name in a header."""
    return user


async def model(pieces: int, end: str, pause: float) -> AsyncIterator[str]:
    """Yield pieces; then end, fail, or wait until the request is cancelled."""
    for number in range(pieces):
        await asyncio.sleep(pause)
        yield PIECE.format(number)
    if end == "fail":
        raise RuntimeError("the model failed")
    if end == "hold":
        await asyncio.Event().wait()


def create_app() -> FastAPI:
    """Return the application; the settings are in the environment, for each worker."""
    settings: dict[str, Any] = json.loads(os.environ[SETTINGS])
    store = open_store(settings["url"])
    answers = Answers(store, interval=float(settings.get("interval", 0.05)))

    has_lifespan = settings.get("lifespan", "on") == "on"
    app = FastAPI(lifespan=answers.lifespan if has_lifespan else None)
    app.include_router(router(store, owner=current_user), prefix="/api")

    @app.post("/api/conversations/{key}/answer")
    async def answer(
        key: str,
        user: Annotated[str, Depends(current_user)],
        pieces: int,
        end: str = "finish",
        pause: float = 0,
        message_id: str | None = None,
    ) -> Response:
        chunks = model(pieces, end, pause)
        return await answers.stream(key, chunks, owner=user, message_id=message_id)

    return app


def main(url: str, *options: str) -> None:
    """Serve until a signal."""
    settings = {"url": url, **dict(option.split("=", 1) for option in options)}
    os.environ[SETTINGS] = json.dumps(settings)
    workers = int(settings.get("workers", 1))
    config = uvicorn.Config(
        "http_server_program:create_app",
        factory=True,
        workers=workers,
        timeout_graceful_shutdown=1,
        log_level="warning",
    )
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    print(listener.getsockname()[1], flush=True)
    if workers == 1:
        uvicorn.Server(config).run([listener])
    else:
        Multiprocess(config, [listener]).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
