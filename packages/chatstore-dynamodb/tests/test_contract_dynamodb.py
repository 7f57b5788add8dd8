"""The contract on DynamoDB.

The tests run on moto, and on what these variables name, if they are set:
``CHATSTORE_DYNAMODB_ENDPOINT`` (DynamoDB Local), ``CHATSTORE_DYNAMODB_TABLE`` (a table in the
account and region that boto3 finds; it must exist, and the tests delete their items in it).
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import boto3
import pytest
from dynamodb_harness import DynamoDBHarness, MotoHarness
from dynamodb_server import DynamoDBServer

from chatstore.core.testing import ChatStoreContract, MixedContract, ProcessContract
from chatstore.dynamodb import DynamoDBChatStore

LOCAL = os.environ.get("CHATSTORE_DYNAMODB_ENDPOINT")
TABLE = os.environ.get("CHATSTORE_DYNAMODB_TABLE")


@pytest.fixture
def harness(server: DynamoDBServer) -> Iterator[MotoHarness]:
    harness = MotoHarness(server)
    yield harness
    harness.client.close()


# moto is slow: each mode by itself is for the long run.
if os.environ.get("CHATSTORE_SOAK"):

    class TestDynamoDBContractInEachMode(ChatStoreContract, ProcessContract):
        pass

else:

    class TestDynamoDBContract(MixedContract, ProcessContract):
        pass


if LOCAL:

    class TestDynamoDBContractOnLocal(ChatStoreContract, ProcessContract):
        @pytest.fixture
        def harness(self, server: DynamoDBServer) -> Iterator[DynamoDBHarness]:
            client = boto3.client("dynamodb", endpoint_url=LOCAL)
            table = f"chats-{uuid.uuid4()}"
            with DynamoDBChatStore(table, endpoint_url=LOCAL) as store:
                store.setup()
            yield DynamoDBHarness(table, LOCAL, client)
            client.delete_table(TableName=table)
            client.close()


if TABLE:

    class TestDynamoDBContractOnAccount(ChatStoreContract, ProcessContract):
        @pytest.fixture
        def harness(self) -> Iterator[DynamoDBHarness]:
            client = boto3.client("dynamodb")
            harness = DynamoDBHarness(TABLE or "", None, client)
            yield harness
            for page in client.get_paginator("scan").paginate(TableName=TABLE):
                for item in page["Items"]:
                    if item["SessionId"]["S"].startswith("chatstore/"):
                        client.delete_item(TableName=TABLE, Key={"SessionId": item["SessionId"]})
            client.close()
