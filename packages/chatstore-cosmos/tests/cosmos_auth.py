"""The check of a request's signature.

https://learn.microsoft.com/rest/api/cosmos-db/access-control-on-cosmosdb-resources
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote

from cosmos_rejections import RejectedError


def check_signature(
    key: str, tokens: set[str], method: str, path: str, headers: Mapping[str, str]
) -> None:
    """Reject a request that is not signed with the account's key and has no known bearer token."""
    authorization = unquote(headers.get("authorization", ""))
    fields = dict(parse_qsl(authorization.replace("+", "%2B")))
    if fields.get("type") == "aad":
        if fields.get("sig") not in tokens:
            raise RejectedError(401, "The token is not known.")
        return
    segments = [unquote(segment) for segment in path.strip("/").split("/") if segment]
    is_feed = len(segments) % 2 == 1
    kind = segments[-1] if is_feed else segments[-2] if segments else ""
    link = "/".join(segments[:-1] if is_feed else segments)
    date = headers.get("x-ms-date", "").lower()
    if fields.get("type") != "master" or fields.get("ver") != "1.0" or not date:
        raise RejectedError(401, "Required Header authorization is missing.")
    # A link of ids is signed unchanged, a link of resource ids in lower case.
    for resource in (link, link.lower()):
        if hmac.compare_digest(fields.get("sig", ""), _sign(key, method, kind, resource, date)):
            return
    raise RejectedError(401, "The input authorization token can't serve the request.")


def _sign(key: str, method: str, kind: str, link: str, date: str) -> str:
    text = f"{method.lower()}\n{kind.lower()}\n{link}\n{date}\n\n"
    digest = hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()
