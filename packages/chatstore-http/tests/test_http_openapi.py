"""The OpenAPI description is valid and complete: no request gets an answer that it lacks."""

from __future__ import annotations

from typing import Any

import pytest
from http_client import CheckedClient, description
from http_programs import FRAMEWORKS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import validate

from chatstore.core import ChatStore, ChatStoreError, SimpleChatStore, errors
from chatstore.core.backend import Append, Plan, WrapperBackend
from chatstore.http.endpoint import Endpoint
from chatstore.http.routing import ENDPOINTS

CLIENTS = {
    name: CheckedClient(make(SimpleChatStore()), "anna") for name, make in FRAMEWORKS.items()
}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=5), JSON, max_size=3)
IDS = st.sampled_from(["message-1", "message-2", "~", "x" * 256]) | st.text(max_size=3)
CONTENTS = st.none() | st.text() | st.lists(JSON | st.just({"type": "text", "text": "x"}))
MESSAGES = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "user", "user", "tool", "me"]), "content": CONTENTS},
    optional={"id": IDS, "metadata": OBJECTS, "additional_kwargs": OBJECTS},
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "title": st.none() | st.text(),
    "metadata": OBJECTS,
    "until": st.none() | IDS,
    "from_id": IDS,
    "messages": st.lists(MESSAGES, max_size=3),
    "content": CONTENTS,
    "additional_kwargs": OBJECTS,
    "rating": st.sampled_from(["up", "down", "?"]),
    "comment": st.none() | st.text(),
    "limit": st.integers(0, 3),
    "before": IDS,
    "after": IDS,
    "cursor": st.text(),
    "format": st.sampled_from(["plain", "openai", "ui", "agui", "x"]),
}
HEADERS = st.dictionaries(
    st.sampled_from(["if-match", "if-none-match", "idempotency-key"]),
    st.sampled_from(["*", '"x"', 'W/"x"', "x", ""]),
    max_size=1,
)
ACCEPT = st.sampled_from(["*/*", "text/html", "application/vnd.chatstore.agui+json, */*"])


def fields(model: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Return values that are often valid for a model's fields."""
    names = [] if model is None else list(model.model_fields)
    return st.fixed_dictionaries({}, optional={name: FIELDS[name] for name in names})


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, dict[str, Any]]:
    """Return a method, a path with a place for the key, and options."""
    endpoint: Endpoint = draw(st.sampled_from(ENDPOINTS))
    headers = draw(HEADERS) | {"accept": draw(ACCEPT)}
    options: dict[str, Any] = {"headers": headers, "params": draw(fields(endpoint.query))}
    if endpoint.body is not None:
        options["json"] = draw(fields(endpoint.body) | OBJECTS | JSON)
    message_id = draw(st.sampled_from(["message-1", "message-2", "x" * 256, "~"]))
    return endpoint.method, endpoint.path.replace("{message_id}", message_id), options


def test_the_description_is_valid() -> None:
    validate(description())


def test_everything_is_described() -> None:
    for path, operations in description()["paths"].items():
        for operation in operations.values():
            name = operation["operationId"]
            assert operation["summary"], name
            statuses = set(operation["responses"])
            assert {"500", "503"} <= statuses, name
            assert ("404" in statuses) == ("{key}" in path), name
            assert ("401" in statuses) == (name != "check_health"), name
            for status, response in operation["responses"].items():
                problems = "application/problem+json" in response.get("content", {})
                assert problems == (status >= "400"), (name, status)
    parameters = description()["paths"]["/api/conversations/{key}"]["patch"]["parameters"]
    assert {one["name"] for one in parameters} == {"key", "if-match", "user"}
    assert "HTTPValidationError" not in description()["components"]["schemas"]


class FailingBackend(WrapperBackend[Any]):
    """Raises an error at each append."""

    def __init__(self, error: ChatStoreError) -> None:
        """Take the error."""
        super().__init__(SimpleChatStore().backend)
        self.error = error

    def append(self, key: str, write: Append) -> Plan[Any, Any]:
        """See `Backend.append`."""
        raise self.error


ERRORS: list[tuple[ChatStoreError, int]] = [
    (errors.StoreUnavailableError("hunter2"), 503),
    (errors.OutcomeUnknownError("hunter2"), 503),
    (errors.ConversationChangedError("hunter2"), 503),
    (errors.StoreFullError("hunter2"), 507),
    (errors.StoreAccessError("hunter2"), 500),
    (errors.StoreSetupError("hunter2"), 500),
    (errors.CorruptStoreError("hunter2"), 500),
    (errors.SchemaVersionError("hunter2"), 500),
    (errors.CorruptMessageError("hunter2", key="hunter2", position=0), 500),
    (errors.MessageConflictError("hunter2"), 409),
    (errors.MessageTooLargeError("too large"), 413),
    (errors.InvalidMessageError("not valid"), 422),
]


@pytest.mark.parametrize(("error", "status"), ERRORS, ids=lambda one: type(one).__name__)
def test_each_error_of_a_store_is_a_problem(error: ChatStoreError, status: int) -> None:
    app = FRAMEWORKS["fastapi"](ChatStore(FailingBackend(error)))
    client = CheckedClient(app, "anna")
    body = {"messages": [{"role": "user", "content": "Hello"}]}
    response = client.call("POST", f"{client.create()}/messages", json=body)
    assert response.status_code == response.json()["status"] == status
    assert "hunter2" not in response.text
    assert ("retry-after" in response.headers) == (status == 503)


@pytest.mark.parametrize("framework", CLIENTS)
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(batch=st.lists(requests(), min_size=1, max_size=6))
def test_responses_are_those_of_the_description(
    framework: str, batch: list[tuple[str, str, dict[str, Any]]]
) -> None:
    client = CLIENTS[framework]
    path = client.create(title="x")
    client.add(path, "Hello")
    body = {"messages": [{"role": "user", "content": "Hello", "id": "message-1"}]}
    client.call("POST", f"{path}/messages", json=body)
    key = path.rpartition("/")[2]
    for method, url, options in batch:
        response = client.call(method, url.replace("{key}", key), **options)
        assert response.status_code < 500, response.text
