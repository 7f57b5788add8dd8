"""Check what stores of several libraries promise.

``python -m comparison STORE PROMISE`` makes one check and prints what it sees. Without arguments,
all checks are made and ``docs/comparison.md`` is written. Peers run in environments of their own,
which are created in ``.bench``; the first run needs PyPI.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime, timezone
from pathlib import Path

from benchmarks.environments import ROOT

from comparison import page, run
from comparison.promises import PROMISES
from comparison.subjects import SUBJECTS

_RESULTS = ROOT / ".bench" / "comparison.json"


def main(arguments: list[str]) -> int:
    """Make the requested checks; return 1 if the named store breaks a promise."""
    options = _parser().parse_args(arguments)
    names = [options.store] if options.store else list(SUBJECTS)
    promises = [options.promise] if options.promise else list(PROMISES)
    results = run.run_all(names, promises, sys.stderr)
    if options.store:
        for result in results:
            print(f"{result['store']} {result['promise']}: {page.word(result)}: {result['text']}")
        return int(any(page.word(result) == "broken" for result in results))
    _RESULTS.write_text(json.dumps(results, indent=1))
    versions = run.versions(names)
    today = datetime.now(timezone.utc).date()
    options.output.write_text(page.render(results, versions, str(today)))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m comparison", description=__doc__)
    parser.add_argument("store", nargs="?", choices=list(SUBJECTS), help="check only this store")
    parser.add_argument("promise", nargs="?", choices=list(PROMISES), help="and only this promise")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "comparison.md")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
