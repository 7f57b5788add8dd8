"""Tests can import the helper modules in this folder."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))  # pytest's import mode "importlib" does not add it
