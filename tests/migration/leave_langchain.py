"""Keeps conversations by LangChain's own histories, and prints what they read.

It runs in an environment of LangChain's packages: `python leave_langchain.py KIND WHERE`.
"""

import json
import sys
import uuid
import warnings

from langchain_core.messages import (
    AIMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    messages_to_dict,
)

warnings.simplefilter("ignore")

PLAIN = [
    SystemMessage("Be nice."),
    HumanMessage("Weather in Oslo? \U0001f600 é \"'\\", id="h1", name="Al"),
    AIMessage(
        [{"type": "thinking", "thinking": "Ask the tool.", "signature": "s"}],
        id="a1",
        tool_calls=[{"name": "weather", "args": {"city": "Oslo"}, "id": "c1"}],
        usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
        response_metadata={"model_provider": "anthropic"},
    ),
    ToolMessage("sunny", tool_call_id="c1", artifact={"rows": [1, 2]}),
    AIMessage("Sunny."),
]
LONG = [HumanMessage(f"message {number}") for number in range(30)]
KEYS = [str(uuid.UUID(int=1)), str(uuid.UUID(int=2))]  # Postgres takes no others


def keep(open_history):
    kept = {}
    for key, messages in zip(KEYS, (PLAIN, LONG), strict=True):
        history = open_history(key)
        for start in range(0, len(messages), 3):
            history.add_messages(messages[start : start + 3])
        kept[key] = history.messages
    return kept


def file(path):
    from langchain_community.chat_message_histories import FileChatMessageHistory

    history = FileChatMessageHistory(path)
    history.add_messages(PLAIN)
    return {"chat": history.messages}


def sql(url):
    from langchain_community.chat_message_histories import SQLChatMessageHistory

    return keep(lambda key: SQLChatMessageHistory(key, connection=url))


def postgres(url, table):
    import psycopg
    from langchain_postgres import PostgresChatMessageHistory

    with psycopg.connect(url) as connection:
        PostgresChatMessageHistory.create_tables(connection, table)
        return keep(lambda key: PostgresChatMessageHistory(table, key, sync_connection=connection))


def redis(url):
    from langchain_community.chat_message_histories import RedisChatMessageHistory

    return keep(lambda key: RedisChatMessageHistory(key, url=url))


def upstash(url, token):
    from langchain_community.chat_message_histories import UpstashRedisChatMessageHistory

    return keep(lambda key: UpstashRedisChatMessageHistory(key, url=url, token=token))


def dynamodb(url, table, region, keys):
    import boto3
    from langchain_community.chat_message_histories import DynamoDBChatMessageHistory

    session = boto3.Session(region_name=region, **keys)
    return keep(
        lambda key: DynamoDBChatMessageHistory(table, key, endpoint_url=url, boto3_session=session)
    )


if __name__ == "__main__":
    kept = globals()[sys.argv[1]](**json.loads(sys.argv[2]))
    dumped = {key: messages_to_dict(some) for key, some in kept.items()}
    print(json.dumps(dumped, default=int))  # DynamoDB's numbers are decimals
