"""What the stores for Azure Tables and Cosmos DB share.

azure-core is loaded by a store's first call, not by importing these modules, except for the two
transports.

- `chatstore.azure_core.clients`: one client for all threads, and one for each event loop.
- `chatstore.azure_core.transport`, `chatstore.azure_core.async_transport`: HTTP connections.
- `chatstore.azure_core.credentials`: account keys and credentials of Entra ID.
- `chatstore.azure_core.batches`: operations in batches that a service accepts.
- `chatstore.azure_core.errors`: a table of what a service's errors mean.
"""
