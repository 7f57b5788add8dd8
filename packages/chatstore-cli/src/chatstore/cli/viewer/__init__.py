"""The viewer: a page on loopback that shows the conversations of a store."""

from chatstore.cli.viewer.app import create_app
from chatstore.cli.viewer.serving import Listener, create_server

__all__ = ["Listener", "create_app", "create_server"]
