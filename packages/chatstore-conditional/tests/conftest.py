"""Makes the simulation's modules importable."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # importlib's mode of importing leaves it out
