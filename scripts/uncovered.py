"""List the lines of each package that no test runs: ``python -m scripts.uncovered``.

Reads the data of ``make coverage``. Prints the percentage of covered lines of each package, and
the numbers of the uncovered lines.
"""

from __future__ import annotations

import io

from coverage import Coverage
from coverage.exceptions import NoDataError
from scripts.workspace import ROOT, read_packages


def report(coverage: Coverage, folder: str) -> str:
    """Return the lines for one package."""
    output = io.StringIO()
    try:
        percent = coverage.report(
            include=[f"{folder}/src/*"],
            show_missing=True,
            skip_covered=True,
            skip_empty=True,
            file=output,
        )
    except NoDataError:
        return f"{folder}: no test ran"
    rows = [line for line in output.getvalue().splitlines() if ".py " in line]
    return "\n".join([f"{folder}: {percent:.1f} %", *(f"  {row}" for row in rows)])


def main() -> None:
    """Print the report of all packages."""
    coverage = Coverage(config_file=str(ROOT / "pyproject.toml"))
    coverage.load()
    for folder in read_packages(ROOT):
        print(report(coverage, folder))


if __name__ == "__main__":
    main()
