"""The endpoint that tells a load balancer whether the store answers."""

from __future__ import annotations

from starlette.responses import Response

from chatstore.http.endpoint import Call, Endpoints
from chatstore.http.models import Health
from chatstore.http.replies import json_reply

endpoints = Endpoints()


@endpoints.add("GET", "/health", reply=Health, is_public=True)
async def check_health(call: Call) -> Response:
    """Check that the store answers."""
    await call.store.async_check()
    return json_reply(Health())
