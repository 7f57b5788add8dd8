"""``CheckedClient``: compares every response with the OpenAPI description."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from http_programs import PREFIX, fastapi_app
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it has no types
from starlette.applications import Starlette
from starlette.testclient import TestClient

from chatstore.core import SimpleChatStore

Response = Any  # of httpx or httpx2, whichever Starlette uses


@cache
def description() -> dict[str, Any]:
    """Return the OpenAPI description of the routes."""
    return fastapi_app(SimpleChatStore()).openapi()


@cache
def path_patterns() -> dict[str, re.Pattern[str]]:
    """Return an expression for each path of the description."""
    return {path: re.compile(re.sub(r"\{\w+\}", "[^/]+", path)) for path in description()["paths"]}


def check_response(method: str, path: str, response: Response) -> None:
    """Check a response against the description."""
    described = next(one for one, pattern in path_patterns().items() if pattern.fullmatch(path))
    operation = description()["paths"][described][method.lower()]
    answer = operation["responses"].get(str(response.status_code))
    assert answer is not None, (method, described, response.status_code, response.text)
    if "content" not in answer:
        assert response.content == b"", (method, described, response.status_code)
        return
    schema = answer["content"][response.headers["content-type"]]["schema"]
    whole = {**schema, "components": description()["components"]}
    checker = Draft202012Validator.FORMAT_CHECKER
    Draft202012Validator(whole, format_checker=checker).validate(response.json())


class CheckedClient(TestClient):
    """A client of an owner; paths are below the prefix of the routes."""

    def __init__(self, app: Starlette, owner: str) -> None:
        """Sign in."""
        super().__init__(app, headers={"user": owner}, raise_server_exceptions=False)

    def call(self, method: str, path: str, **options: Any) -> Response:
        """Send a request and check the response."""
        response = self.request(method, PREFIX + path, **options)
        check_response(method, str(response.request.url.path), response)
        return response

    def create(self, **fields: Any) -> str:
        """Create a conversation and return its path."""
        response = self.call("POST", "/conversations", json=fields)
        assert response.status_code == 201, response.text
        return str(response.headers["location"].removeprefix(PREFIX))

    def add(self, path: str, *contents: str) -> list[str]:
        """Add the user's messages to a conversation and return their ids."""
        messages = [{"role": "user", "content": content} for content in contents]
        response = self.call("POST", f"{path}/messages", json={"messages": messages})
        assert response.status_code == 201, response.text
        return list(response.json()["ids"])

    def contents(self, path: str) -> list[Any]:
        """Return the contents of a conversation's messages."""
        response = self.call("GET", f"{path}/messages")
        return [message["content"] for message in response.json()["data"]]
