"""Set up all tests: no tracing, and this folder's modules."""

from __future__ import annotations

import sys
from pathlib import Path

from agents import set_tracing_disabled

set_tracing_disabled(True)

sys.path.insert(0, str(Path(__file__).parent))  # pytest's import mode omits it
