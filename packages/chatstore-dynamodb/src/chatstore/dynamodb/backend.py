"""``DynamoDBBackend``: the algorithm of ``chatstore.conditional`` in a DynamoDB table."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from chatstore.conditional import ConditionalBackend
from chatstore.core import ChatStoreError
from chatstore.core.backend import Plan, ThreadedBackend
from chatstore.dynamodb.clients import Clients, Connection
from chatstore.dynamodb.database import DynamoDBDatabase
from chatstore.dynamodb.errors import translate
from chatstore.dynamodb.settings import Settings
from chatstore.dynamodb.setup import create_table
from chatstore.dynamodb.table import Table


class DynamoDBBackend(ThreadedBackend[Connection], ConditionalBackend[Connection]):
    """Keeps conversations in a DynamoDB table.

    Attributes:
        settings: The options.
        clients: Creates boto3's client.
        table: The requests to the table.

    """

    system = "aws.dynamodb"

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        """Keep the settings; nothing is sent before the first call.

        Args:
            settings: The options.
            clock: Returns the time in seconds since 1970; it decides what has expired.

        """
        ThreadedBackend.__init__(self)
        self.settings = settings
        self.clients = Clients(settings)
        self.table = Table(settings)
        ConditionalBackend.__init__(
            self,
            DynamoDBDatabase(self.table),
            ttl=settings.ttl,
            patience=settings.patience,
            clock=clock,
        )

    def borrow(self) -> AbstractContextManager[Connection]:
        """Provide the client, which all threads share."""
        return nullcontext(self.clients.get())

    def translate(self, error: Exception) -> ChatStoreError | None:
        """See `Backend.translate`."""
        return translate(error, self.server, self.settings.primary_key)

    def setup(self) -> Plan[Connection, None]:
        """Create the table if it is missing, with on-demand billing, and enable its TTL.

        It waits until the table is active, for at most two minutes.

        Raises:
            StoreSetupError: There is a table of this name with another key, or its TTL uses
                another attribute.

        """
        return create_table(self.table)

    def close(self) -> None:
        """Wait for running calls, end the threads and close the client."""
        super().close()
        self.clients.close()
