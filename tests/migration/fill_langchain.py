"""Write conversations with LangChain's own histories, and print what they read.

This runs in an environment of LangChain's packages: `python fill_langchain.py KIND WHERE`.
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
KEYS = [str(uuid.UUID(int=1)), str(uuid.UUID(int=2))]  # Postgres accepts only UUIDs


def write(open_history):
    read = {}
    for key, messages in zip(KEYS, (PLAIN, LONG), strict=True):
        history = open_history(key)
        for start in range(0, len(messages), 3):
            history.add_messages(messages[start : start + 3])
        read[key] = history.messages
    return read


def file(path):
    from langchain_community.chat_message_histories import FileChatMessageHistory

    history = FileChatMessageHistory(path)
    history.add_messages(PLAIN)
    return {"chat": history.messages}


def sql(url):
    from langchain_community.chat_message_histories import SQLChatMessageHistory

    return write(lambda key: SQLChatMessageHistory(key, connection=url))


def postgres(url, table):
    import psycopg
    from langchain_postgres import PostgresChatMessageHistory

    with psycopg.connect(url) as connection:
        PostgresChatMessageHistory.create_tables(connection, table)
        return write(lambda key: PostgresChatMessageHistory(table, key, sync_connection=connection))


def redis(url):
    from langchain_community.chat_message_histories import RedisChatMessageHistory

    return write(lambda key: RedisChatMessageHistory(key, url=url))


def upstash(url, token):
    from langchain_community.chat_message_histories import UpstashRedisChatMessageHistory

    return write(lambda key: UpstashRedisChatMessageHistory(key, url=url, token=token))


def dynamodb(url, table, region, keys):
    import boto3
    from langchain_community.chat_message_histories import DynamoDBChatMessageHistory

    session = boto3.Session(region_name=region, **keys)
    return write(
        lambda key: DynamoDBChatMessageHistory(table, key, endpoint_url=url, boto3_session=session)
    )


if __name__ == "__main__":
    read = globals()[sys.argv[1]](**json.loads(sys.argv[2]))
    dumped = {key: messages_to_dict(messages) for key, messages in read.items()}
    print(json.dumps(dumped, default=int))  # DynamoDB's numbers are decimals
