"""What the databases of Azure share: HTTP transports and credentials, over azure-core.

azure-core is a dependency of the packages that import this one, and is loaded by their first call.
"""
