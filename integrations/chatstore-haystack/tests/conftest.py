"""Set up all tests: no telemetry, and this folder's modules."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"  # read when Haystack is imported

sys.path.insert(0, str(Path(__file__).parent))  # pytest's import mode omits it
