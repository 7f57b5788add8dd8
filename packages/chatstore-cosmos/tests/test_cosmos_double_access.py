"""The double checks signatures and tokens, and creates databases and containers."""

from __future__ import annotations

import base64
import http.client
import time
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.cosmos import CosmosClient, PartitionKey
from cosmos_calls import FAILED, status
from cosmos_double import CosmosDouble


@pytest.mark.parametrize("key", ["bm8gc3VjaCBrZXk=", base64.b64encode(bytes(64)).decode()])
def test_another_key_is_refused(double: CosmosDouble, key: str) -> None:
    with pytest.raises(FAILED) as caught:
        CosmosClient(double.endpoint, key)
    assert caught.value.status_code == 401


def test_unsigned_request_is_refused(double: CosmosDouble) -> None:
    connection = http.client.HTTPConnection(double.endpoint.split("/")[2])
    connection.request("GET", "/dbs/chats")
    assert connection.getresponse().status == 401
    connection.close()


class Credential:
    def __init__(self, token: str) -> None:
        self.token = token

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return AccessToken(self.token, int(time.time()) + 3600)


@pytest.mark.filterwarnings("ignore:Unverified HTTPS")  # the certificate is the double's own
def test_known_token_is_accepted() -> None:
    service = CosmosDouble(tls=True)
    service.tokens.add("known")
    with CosmosClient(service.endpoint, Credential("known")) as client:
        client.create_database("d")
    with pytest.raises(FAILED) as caught:
        CosmosClient(service.endpoint, Credential("unknown"))
    assert caught.value.status_code == 401
    service.close()


def test_databases_and_containers(client: CosmosClient) -> None:
    assert status(client.get_database_client("chats").read) == 404
    database = client.create_database("chats")
    assert status(client.create_database, "chats") == 409
    assert database.read()["id"] == "chats"
    assert status(database.get_container_client("messages").read) == 404
    made = database.create_container("messages", PartitionKey("/conversation"), default_ttl=-1)
    again = (database.create_container, "messages", PartitionKey("/conversation"))
    assert status(*again) == 409
    properties = made.read()
    assert properties["partitionKey"]["paths"] == ["/conversation"]
    assert properties["defaultTtl"] == -1
    assert status(client.get_database_client("none").get_container_client("none").read) == 404
