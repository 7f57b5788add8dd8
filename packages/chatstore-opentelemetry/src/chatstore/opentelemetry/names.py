"""Names of attributes and metrics, and the buckets of histograms.

OpenTelemetry's conventions for databases and for generative AI define some; the others begin with
``chatstore.``: https://opentelemetry.io/docs/specs/semconv/db/
"""

from __future__ import annotations

CONVERSATION_ID = "gen_ai.conversation.id"
OPERATION = "db.operation.name"
SYSTEM = "db.system.name"
RETURNED_ROWS = "db.response.returned_rows"
POOL = "db.client.connection.pool.name"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"
ERROR_TYPE = "error.type"

ATTEMPTS = "chatstore.attempts"
WAIT = "chatstore.connection.wait"
DIRECTION = "chatstore.direction"
READ, WRITTEN = "read", "written"
MESSAGES = "chatstore.messages."
BYTES = "chatstore.bytes."
CONTENT = "chatstore.content."
RETRY_EVENT = "chatstore.retry"
RETRY_REASON = "chatstore.retry.reason"
RETRY_PAUSE = "chatstore.retry.pause"

DURATION_METRIC = "db.client.operation.duration"
WAIT_METRIC = "db.client.connection.wait_time"
RETRIES_METRIC = "chatstore.client.retries"
MESSAGES_METRIC = "chatstore.client.operation.messages"
BYTES_METRIC = "chatstore.client.operation.bytes"

# The conventions recommend these for the duration, in seconds.
SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)
COUNTS = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 1_000.0, 10_000.0)
SIZES = (0.0, 256.0, 1_024.0, 4_096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0, 16_777_216.0)
