"""What all tests need: no tracing, and the modules beside this one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["LANGSMITH_TRACING"] = "false"  # read when LangChain is used first

sys.path.insert(0, str(Path(__file__).parent))  # importlib's mode of importing leaves it out
