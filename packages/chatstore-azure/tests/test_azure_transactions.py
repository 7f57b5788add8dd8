"""Transactions are sent as azure-data-tables sends them, and answers are read as it reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
from azure.core.exceptions import DecodeError, HttpResponseError
from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest
from azure.data.tables import TableClient, TableTransactionError
from azurite_server import ACCOUNT, KEY

from chatstore.azure import batches
from chatstore.azure.batch_client import BatchTableClient
from chatstore.azure.batch_requests import SharedKeyPolicy, metadata_of
from chatstore.azure.entities import entity_keys, new_entity
from chatstore.azure.errors import code_of
from chatstore.azure.transactions import code_in, results_of
from chatstore.azure_core.answers import status_of

ENDPOINT = f"http://127.0.0.1:1/{ACCOUNT}"
PARTITION = "a'=@:~é"
ENTITY = new_entity(PARTITION, "head", 'quotes " \\ and\r\n--batch_\r\n é 😀')
OPERATIONS = [
    batches.create(ENTITY),
    batches.replace(ENTITY, "W/\"datetime'2026-11-26T21%3A25%3A40.07Z'\""),
    batches.put(new_entity(PARTITION, "r1", "x" * 70_000)),
    batches.delete(entity_keys(PARTITION, "r2")),
    batches.delete(entity_keys(PARTITION, "r3"), 'W/"1"'),
]
SINGLE = [[operation] for operation in OPERATIONS]
_CHANGING = re.compile(
    r"(batch_|changeset_)[0-9a-f-]{36}|(Date|x-ms-date): [^\r]+|"
    r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"
)
_OWN_HEADERS = {"authorization", "user-agent", "x-ms-client-request-id"}


class SentError(Exception):
    pass


class Recorder(RequestsTransport):  # type: ignore[misc] # azure-core hides its type
    """Keeps the last request, and does not send it."""

    request: Any = None

    def send(self, request: Any, **_: Any) -> Any:
        self.request = request
        raise SentError


class Answer:
    """An answer of the service."""

    def __init__(
        self, status: int, content: str, content_type: str = "multipart/mixed; boundary=b"
    ) -> None:
        self.status_code = status
        self.reason = "reason"
        self.content = content.encode()
        self.headers = {"Content-Type": content_type}

    def text(self) -> str:
        return self.content.decode()


def sent(kind: Any, credential: Any, operations: list[Any]) -> tuple[str, str, Mapping[str, str]]:
    """Return the URL, the body and the headers of a request, without what changes each time."""
    transport = Recorder()
    client = kind(ENDPOINT, "Chats", credential=credential, transport=transport, retry_total=0)
    with pytest.raises(SentError):
        client.submit_transaction(operations)
    request = transport.request
    body = request.content if isinstance(request.content, str) else request.content.decode()
    headers = {
        name.lower(): _CHANGING.sub(r"\1", value)
        for name, value in request.headers.items()
        if name.lower() not in _OWN_HEADERS
    }
    assert request.headers["x-ms-client-request-id"]
    return request.url, _CHANGING.sub(r"\1\2", body), headers


@pytest.mark.parametrize("operations", [OPERATIONS, *SINGLE])
@pytest.mark.parametrize(
    "credential", [AzureNamedKeyCredential(ACCOUNT, KEY), AzureSasCredential("sv=1&sig=a%2Fb")]
)
def test_a_transaction_is_sent_as_the_sdk_sends_it(credential: Any, operations: list[Any]) -> None:
    own = sent(BatchTableClient, credential, operations)
    assert own == sent(TableClient, credential, operations)


def test_the_signature_is_that_of_the_sdk() -> None:
    transport = Recorder()
    credential = AzureNamedKeyCredential("other", KEY)
    client = TableClient(ENDPOINT, "Chats", credential=credential, transport=transport)
    policy = SharedKeyPolicy(credential)
    credential.update(ACCOUNT, KEY)  # a key may be replaced
    with pytest.raises(SentError):
        client.submit_transaction(OPERATIONS, retry_total=0)
    sent_by_sdk = transport.request
    headers = {name: sent_by_sdk.headers[name] for name in ("Content-Type", "x-ms-date")}
    request = HttpRequest(sent_by_sdk.method, sent_by_sdk.url, headers=headers)
    policy.on_request(PipelineRequest(request, PipelineContext(None)))
    assert request.headers["Authorization"] == sent_by_sdk.headers["Authorization"]


def answer_of(*parts: str) -> str:
    """Return an answer as the service's documentation shows it."""
    frame = "--c\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    inner = "".join(f"{frame}{part}\r\n" for part in parts)
    return f"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n{inner}--c--\r\n--b--\r\n"


DONE = 'HTTP/1.1 204 No Content\r\nContent-ID: 1\r\nETag: W/"1"\r\nDataServiceVersion: 1.0;\r\n\r\n'
DELETED = "HTTP/1.1 204 No Content\r\nDataServiceVersion: 1.0;\r\n\r\n"
CREATED = 'HTTP/1.1 201 Created\r\nETag: W/"2"\r\n\r\n{"Body0":"HTTP/1.1 500\\r\\n\\r\\n--b"}'
REFUSED = (
    "HTTP/1.1 412 Precondition Failed\r\nContent-Type: application/json\r\n\r\n"
    '{"odata.error":{"code":"UpdateConditionNotSatisfied","message":{"value":"1:No."}}}'
)


def test_each_operation_has_an_answer() -> None:
    answer = Answer(202, answer_of(DONE, DELETED, CREATED))
    assert metadata_of(answer, 3) == [{"etag": 'W/"1"'}, {}, {"etag": 'W/"2"'}]


def test_answers_may_have_no_inner_parts() -> None:
    [result] = results_of(
        f"--b\r\nContent-Type: application/http\r\n\r\n{REFUSED}\r\n--b--\r\n".encode(),
        "multipart/mixed; boundary=b",
    )
    assert result.status == 412
    assert code_in(result.body, result.headers) == "UpdateConditionNotSatisfied"


def test_a_failed_operation_is_an_error_of_the_transaction() -> None:
    with pytest.raises(TableTransactionError) as caught:
        metadata_of(Answer(202, answer_of(REFUSED)), 3)
    assert status_of(caught.value) == 412
    assert code_of(caught.value) == "UpdateConditionNotSatisfied"


@pytest.mark.parametrize(
    "body",
    [
        '{"odata.error":{"code":"ServerBusy","message":{}}}',
        '<?xml version="1.0"?><m:error xmlns:m="x"><m:code>ServerBusy</m:code></m:error>',
        "<Error><Code>ServerBusy</Code></Error>",
    ],
)
def test_a_refused_request_has_the_code_of_the_service(body: str) -> None:
    with pytest.raises(HttpResponseError) as caught:
        metadata_of(Answer(503, body, "application/xml"), 1)
    assert status_of(caught.value) == 503
    assert code_of(caught.value) == "ServerBusy"


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"odata.error":{"code":7}}', "<html>"])
def test_other_bodies_have_no_code(body: str) -> None:
    assert code_in(body, {}) == ""
    assert code_in("", {"x-ms-error-code": "TableNotFound"}) == "TableNotFound"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "<html>",
        answer_of(),
        answer_of(DONE),
        answer_of(DONE, DONE, DONE),
        answer_of("HTTP/1.1 OK\r\n\r\n", DONE),
        answer_of(DONE, DONE)[:200],
    ],
)
def test_other_answers_are_not_taken_for_success(content: str) -> None:
    with pytest.raises(DecodeError):
        metadata_of(Answer(202, content, "text/html"), 2)


@pytest.mark.parametrize("is_own", [True, False])
def test_credentials_of_entra_id_use_the_sdk(is_own: bool) -> None:
    class Credential:
        def get_token(self, *_: str, **__: Any) -> Any:
            raise NotImplementedError

    client = BatchTableClient(
        ENDPOINT.replace("http:", "https:"),
        "Chats",
        credential=AzureNamedKeyCredential(ACCOUNT, KEY) if is_own else Credential(),
        transport=Recorder(),
    )
    assert (client.batch_client is not None) == is_own
