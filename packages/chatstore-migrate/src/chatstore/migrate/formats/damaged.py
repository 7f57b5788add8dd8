"""What is raised about files that are not what their format says."""

from __future__ import annotations

from chatstore.core import InvalidArgumentError


class DamagedFileError(InvalidArgumentError):
    """A file is not what its format says: it is cut short, was changed, or is another format."""
