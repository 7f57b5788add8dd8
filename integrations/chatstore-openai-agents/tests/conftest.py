"""What all tests need: no telemetry, and the modules beside this one."""

from __future__ import annotations

import sys
from pathlib import Path

from agents import set_tracing_disabled

set_tracing_disabled(True)

sys.path.insert(0, str(Path(__file__).parent))  # importlib's mode of importing leaves it out
