"""Transactions in this package's own encoding, through azure-core's pipeline."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
from azure.core.exceptions import DecodeError, HttpResponseError
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import (
    AzureSasCredentialPolicy,
    DistributedTracingPolicy,
    HttpLoggingPolicy,
    NetworkTraceLoggingPolicy,
    RequestIdPolicy,
    SansIOHTTPPolicy,
    UserAgentPolicy,
)
from azure.core.rest import HttpRequest
from azure.data.tables import TableTransactionError

from chatstore.azure.table import Operation
from chatstore.azure.transactions import code_in, request_of, results_of

_ACCEPTED = 202
_SUCCESS = range(200, 300)


class SharedKeyPolicy(SansIOHTTPPolicy[Any, Any]):
    """Signs a transaction's request with the key of an account.

    https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
    """

    def __init__(self, credential: AzureNamedKeyCredential) -> None:
        """Use a credential, whose key may be replaced."""
        self._credential = credential

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Add the signature."""
        http = request.http_request
        account, key = self._credential.named_key
        no_digest = ""  # Content-MD5, which is not sent
        lines = [
            http.method,
            no_digest,
            http.headers["Content-Type"],
            http.headers["x-ms-date"],
            f"/{account}{urlsplit(http.url).path}",
        ]
        text = "\n".join(lines).encode()
        digest = hmac.new(base64.b64decode(key), text, hashlib.sha256).digest()
        http.headers["Authorization"] = f"SharedKey {account}:{base64.b64encode(digest).decode()}"


def make_batch_client(
    client_kind: Any, pipeline_kind: Any, endpoint: str, credential: object, transport: object
) -> Any:
    """Return a client of azure-core for transactions.

    ``None`` for credentials of Entra ID: azure-data-tables asks the service for their tenant.

    Args:
        client_kind: The class of the client, sync or async.
        pipeline_kind: The class of its pipeline, of the same mode.
        endpoint: The URL of the account.
        credential: The credential.
        transport: What sends the requests.

    """
    if isinstance(credential, AzureNamedKeyCredential):
        authorization: Any = SharedKeyPolicy(credential)
    elif isinstance(credential, AzureSasCredential):
        authorization = AzureSasCredentialPolicy(credential)
    else:
        return None
    policies = [
        RequestIdPolicy(),
        UserAgentPolicy(sdk_moniker="chatstore-azure"),
        authorization,
        NetworkTraceLoggingPolicy(),
        DistributedTracingPolicy(),
        HttpLoggingPolicy(),
    ]
    return client_kind(endpoint, pipeline=pipeline_kind(transport, policies))


def batch_request(url: str, table: str, operations: Iterable[Operation]) -> HttpRequest:
    """Return the request of a transaction.

    Args:
        url: The URL of the account.
        table: The table.
        operations: The operations.

    """
    account = url.partition("?")[0].rstrip("/")
    headers, body = request_of(f"{account}/{table}", operations, time.time())
    return HttpRequest("POST", f"{account}/$batch", headers=headers, content=body)


def metadata_of(response: Any, count: int) -> list[Mapping[str, Any]]:
    """Return the metadata of each entity, of which a deleted one has none.

    Args:
        response: The answer, whose body was read.
        count: How many operations there were.

    Raises:
        TableTransactionError: An operation failed, so none took effect.
        HttpResponseError: The service refused the request.
        DecodeError: This is not the answer to a transaction.

    """
    if response.status_code != _ACCEPTED:
        code = code_in(response.text(), response.headers)
        raise _coded(HttpResponseError("the request failed", response=response), code)
    try:
        results = results_of(response.content, response.headers.get("Content-Type", ""))
    except (ValueError, LookupError):
        results = []
    failed = next((result for result in results if result.status not in _SUCCESS), None)
    if failed is not None:
        error = TableTransactionError(message="an operation failed", response=response)
        error.status_code = failed.status
        raise _coded(error, code_in(failed.body, failed.headers))
    if len(results) != count:
        raise DecodeError("not the answer to a transaction", response=response)
    return [
        {"etag": result.headers["etag"]} if "etag" in result.headers else {} for result in results
    ]


def _coded(error: Any, code: str) -> Any:
    """Return an error with the service's code, where azure-data-tables puts it."""
    error.error_code = code
    return error
