"""DynamoDB keeps every promise of the contract.

The tests run on moto, and also on what these variables name, where they are set:
``CHATSTORE_DYNAMODB_ENDPOINT`` (DynamoDB Local), ``CHATSTORE_DYNAMODB_TABLE`` (a table of the
account and region that boto3 finds; it must exist, and is emptied of what the tests wrote).
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import boto3
import pytest
from dynamodb_backend import DynamoDBBackend
from dynamodb_server import DynamoDBServer

from chatstore.core.testing import AcrossContract, ChatStoreContract, ProcessContract
from chatstore.dynamodb import DynamoDBChatStore

LOCAL = os.environ.get("CHATSTORE_DYNAMODB_ENDPOINT")
TABLE = os.environ.get("CHATSTORE_DYNAMODB_TABLE")


# moto is slow: each colour by itself is for the long run.
Contract = ChatStoreContract if os.environ.get("CHATSTORE_SOAK") else AcrossContract


class TestDynamoDBContract(Contract, ProcessContract):
    @pytest.fixture
    def backend(self, server: DynamoDBServer) -> Iterator[DynamoDBBackend]:
        client = server.client()
        yield DynamoDBBackend(server.new_table(), server.url, client)
        client.close()


if LOCAL:

    class TestDynamoDBContractOnLocal(ChatStoreContract, ProcessContract):
        @pytest.fixture
        def backend(self, server: DynamoDBServer) -> Iterator[DynamoDBBackend]:
            client = boto3.client("dynamodb", endpoint_url=LOCAL)
            table = f"chats-{uuid.uuid4()}"
            with DynamoDBChatStore(table, endpoint_url=LOCAL) as store:
                store.create_table()
            yield DynamoDBBackend(table, LOCAL, client)
            client.delete_table(TableName=table)
            client.close()


if TABLE:

    class TestDynamoDBContractOnAccount(ChatStoreContract, ProcessContract):
        @pytest.fixture
        def backend(self) -> Iterator[DynamoDBBackend]:
            client = boto3.client("dynamodb")
            backend = DynamoDBBackend(TABLE or "", None, client)
            yield backend
            for page in client.get_paginator("scan").paginate(TableName=TABLE):
                for item in page["Items"]:
                    if item["SessionId"]["S"].startswith("chatstore/"):
                        client.delete_item(TableName=TABLE, Key={"SessionId": item["SessionId"]})
            client.close()
