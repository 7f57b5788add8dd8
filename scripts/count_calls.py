"""Count the functions and modules of this project that one call of a store passes through.

``python -m scripts.count_calls`` starts the servers of the tests, counts, and writes the table in
``docs/design.md``; with ``--print`` it only prints the table. A generator or coroutine counts once,
even if it is resumed several times; comprehensions and drivers' functions do not count.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from scripts.workspace import ROOT

from chatstore.core import ChatMemoryBuffer, ChatMessage, ChatStore, open_store

_PAGE = ROOT / "docs" / "design.md"
_TABLE = re.compile(r"(?<=<!-- calls -->\n).*?(?=<!-- end of calls -->)", re.DOTALL)
_SOURCE = re.compile(r"/src/chatstore/(.+)\.py$")
_LENGTH = 10  # messages in the conversation
_COLUMNS = ("add_message", "get_messages(last=5)", "memory.get()")


class Crossed(NamedTuple):
    """What one call passes through.

    Attributes:
        functions: Calls of functions.
        modules: Different modules.

    """

    functions: int
    modules: int


def count(act: Callable[[], object]) -> Crossed:
    """Call a function and count the functions that run in this thread."""
    frames: list[FrameType] = []

    def record(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event != "call" or (code.co_name.startswith("<") and code.co_name != "<lambda>"):
            return
        if _SOURCE.search(code.co_filename) and not any(frame is known for known in frames):
            frames.append(frame)  # kept alive, so that no other frame has its address

    sys.setprofile(record)
    try:
        act()
    finally:
        sys.setprofile(None)
    return Crossed(len(frames), len({frame.f_code.co_filename for frame in frames}))


def measure(store: ChatStore) -> list[Crossed]:
    """Count the calls of a store that is already in use."""
    store.set_messages("k", [_message() for _ in range(_LENGTH)])
    memory = ChatMemoryBuffer(token_limit=3000, chat_store=store, chat_store_key="k")
    calls: list[Callable[[ChatMessage], Any]] = [
        lambda message: store.add_message("k", message),
        lambda _: store.get_messages("k", last=5),
        lambda _: memory.get(),
    ]
    results = []
    for call in calls:
        call(_message())  # opens connections, loads scripts, prepares statements
        message = _message()
        results.append(count(partial(call, message)))
    return results


def _message() -> ChatMessage:
    return ChatMessage(role="user", content="How long does the train to Vienna take?")


def table(results: dict[str, list[Crossed]]) -> str:
    """Return a table in Markdown."""
    lines = ["| store | " + " | ".join(f"`{name}`" for name in _COLUMNS) + " |"]
    lines.append("| --- |" + " --- |" * len(_COLUMNS))
    for name, row in results.items():
        cells = [f"{item.functions} in {item.modules}" for item in row]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


@contextmanager
def _urls(folder: Path) -> Iterator[dict[str, str]]:
    """Start the servers; yield the URL of a store on each."""
    for package in ("postgres", "dynamodb"):
        sys.path.append(str(ROOT / "packages" / f"chatstore-{package}" / "tests"))
    from dynamodb_server import DynamoDBServer
    from postgres_servers import PostgresServer, newest_binaries

    from chatstore.redis_scripts.testing import redis_server

    # boto3 sends nothing without credentials.
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "testing")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "testing")
    with ExitStack() as stack:
        redis = stack.enter_context(redis_server())
        postgres = PostgresServer(newest_binaries())
        stack.callback(postgres.close)
        dynamodb = DynamoDBServer()
        stack.callback(dynamodb.close)
        client = dynamodb.client()
        client.create_table(
            TableName="chats",
            KeySchema=[{"AttributeName": "SessionId", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "SessionId", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        client.close()
        postgres.execute("CREATE DATABASE chats")
        yield {
            "memory": "memory://",
            "SQLite": f"sqlite:///{folder}/chat.db",
            "Redis": f"redis://127.0.0.1:{redis.port}/0",
            "Postgres": postgres.url("chats"),
            "DynamoDB": f"dynamodb://chats?region=eu-central-1&endpoint_url={dynamodb.url}",
        }


def main() -> None:
    """Measure all stores, and print or write the table."""
    warnings.simplefilter("ignore")  # about estimates of tokens
    results = {}
    with tempfile.TemporaryDirectory() as folder, _urls(Path(folder)) as urls:
        for name, url in urls.items():
            with open_store(url) as store:
                results[name] = measure(store)
    text = table(results)
    print(text, end="")
    if "--print" not in sys.argv[1:]:
        _PAGE.write_text(_TABLE.sub(lambda _: text, _PAGE.read_text()))


if __name__ == "__main__":
    main()
