"""URIs of session services, as ADK's commands take them."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from chatstore.core import InvalidArgumentError, open_store
from chatstore.google_adk.service import ChatStoreSessionService

SCHEME = "chatstore+"
"""Comes before the scheme of a store's URL. ADK hides credentials in its log if they are where a
URL has them, so this is not a scheme of its own in front of the URL."""

_OPTIONS = ("writers", "num_recent_events", "agent_name")


def open_session_service(uri: str, **options: Any) -> ChatStoreSessionService:
    """Return the session service of a URI: ``chatstore+`` and the URL of a store.

    This is what ``services.yaml`` names, for ``adk web --session_service_uri=…``. The service's
    options may be in the query, such as
    ``chatstore+redis://localhost:6379?ttl=3600&num_recent_events=100``; ``num_recent_events=all``
    reads all events.

    Args:
        uri: The URI.
        options: Options of the store; ``agents_dir``, which ADK passes, is ignored.

    Raises:
        UnknownSchemeError: No installed distribution opens such URLs.
        InvalidArgumentError: The URI or an option is not valid.

    """
    if not uri.startswith(SCHEME):
        raise InvalidArgumentError(
            "the URI of a session service begins with chatstore+, such as "
            "chatstore+sqlite:///sessions.db"
        )
    address, _, query = uri.removeprefix(SCHEME).partition("?")
    fields = [field for field in query.split("&") if field]
    own_fields = [field for field in fields if field.partition("=")[0] in _OPTIONS]
    own: dict[str, Any] = dict(parse_qsl("&".join(own_fields), keep_blank_values=True))
    if "num_recent_events" in own:
        own["num_recent_events"] = _number(own["num_recent_events"])
    rest = "&".join(field for field in fields if field not in own_fields)
    options.pop("agents_dir", None)
    store = open_store(f"{address}?{rest}" if rest else address, **options)
    return ChatStoreSessionService(store, **own)


def _number(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isdecimal():
        raise InvalidArgumentError(f"num_recent_events must be an integer or all, not {text!r}")
    return int(text)
