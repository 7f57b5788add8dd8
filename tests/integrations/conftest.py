"""Turn off telemetry, and let tests import the helpers of the integrations' tests."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"  # read when Haystack is imported
os.environ["OPENAI_AGENTS_DISABLE_TRACING"] = "1"


sys.path.append(str(Path(__file__).parent))
for folder in (Path(__file__).parents[2] / "integrations").glob("chatstore-*/tests"):
    sys.path.append(str(folder))  # each package's strategies, whose names differ
