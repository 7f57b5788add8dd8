"""Set up all tests: no tracing, and this folder's modules."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["LANGSMITH_TRACING"] = "false"  # read at LangChain's first use

sys.path.insert(0, str(Path(__file__).parent))  # pytest's import mode omits it
