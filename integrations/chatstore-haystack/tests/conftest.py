"""What all tests need: no telemetry, and the modules beside this one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"  # read when Haystack is imported

sys.path.insert(0, str(Path(__file__).parent))  # importlib's mode of importing leaves it out
