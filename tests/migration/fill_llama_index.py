"""Write conversations with LlamaIndex's own stores, and print what they read.

This runs in an environment of LlamaIndex's packages: `python fill_llama_index.py KIND WHERE`.
"""

import asyncio
import json
import sys

from llama_index.core.base.llms.types import (
    ChatMessage,
    DocumentBlock,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

PLAIN = [
    ChatMessage(role="system", content="Be nice."),
    ChatMessage(role="user", content="Weather in Oslo? \U0001f600 é \"'\\"),
    ChatMessage(
        role="assistant",
        blocks=[
            ThinkingBlock(content="Ask the tool.", additional_information={"signature": "s"}),
            ToolCallBlock(tool_call_id="c1", tool_name="weather", tool_kwargs={"city": "Oslo"}),
        ],
    ),
    ChatMessage(role="tool", content="sunny", additional_kwargs={"tool_call_id": "c1"}),
    ChatMessage(role="assistant", content="Sunny.", additional_kwargs={"usage": {"tokens": 7}}),
]
MEDIA = [
    ChatMessage(
        role="user",
        blocks=[
            TextBlock(text="Look:"),
            ImageBlock(image=b"\x89PNG\r\n\x1a\n" + bytes(range(40))),
            DocumentBlock(data=b"%PDF-1.4", title="paper.pdf"),
        ],
    )
]
LONG = [ChatMessage(role="user", content=f"message {number}") for number in range(30)]


def write(store, media):
    conversations = {"user:1": PLAIN + (MEDIA if media else []), "user:2": LONG}
    for key, messages in conversations.items():
        for message in messages:
            store.add_message(key, message)
    return {key: store.get_messages(key) for key in conversations}


def simple(path):
    from llama_index.core.storage.chat_store import SimpleChatStore

    store = SimpleChatStore()
    read = write(store, media=True)
    store.persist(path)
    return read


def redis(url):
    from llama_index.storage.chat_store.redis import RedisChatStore

    return write(RedisChatStore(url), media=True)


def upstash(url, token):
    from llama_index.storage.chat_store.upstash import UpstashChatStore

    return write(UpstashChatStore(url, token), media=False)


def postgres(url):
    from llama_index.storage.chat_store.postgres import PostgresChatStore

    return write(PostgresChatStore.from_uri(url), media=True)


def sqlite(url):
    from llama_index.storage.chat_store.sqlite import SQLiteChatStore

    return write(SQLiteChatStore.from_uri(url), media=True)


def memory(url):
    from llama_index.core.memory import Memory

    memory = Memory.from_defaults(
        session_id="user:1", async_database_uri=url, token_limit=40, token_flush_size=5
    )

    async def use():
        for message in PLAIN + MEDIA:
            await memory.aput(message)
        return {"user:1": await memory.aget_all()}

    return asyncio.run(use())


def dynamodb(url, table, region, keys):
    from llama_index.storage.chat_store.dynamodb import DynamoDBChatStore

    store = DynamoDBChatStore(
        table_name=table, region_name=region, resource_kwargs={"endpoint_url": url}, **keys
    )
    read = write(store, media=False)
    for message in read["user:1"]:  # DynamoDB's numbers are decimals
        kwargs = json.dumps(message.additional_kwargs, default=int)
        message.additional_kwargs = json.loads(kwargs)
    return read


def azure(connection_string):
    from llama_index.storage.chat_store.azure import AzureChatStore

    store = AzureChatStore.from_connection_string(connection_string)
    return write(store, media=False)


if __name__ == "__main__":
    read = globals()[sys.argv[1]](**json.loads(sys.argv[2]))
    dumped = {
        key: [message.model_dump(mode="json") for message in messages]
        for key, messages in read.items()
    }
    print(json.dumps(dumped))
