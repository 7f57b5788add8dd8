"""Draws the chart of the documentation as SVG, readable on light and dark pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

from benchmarks.windows.measure import Summary

FILE = Path(__file__).parents[2] / "docs" / "charts" / "windows.svg"
_COLORS = ("#2f81f7", "#1f9e89", "#d9730d", "#c2408c")
_GREY = "#7d8590"
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 760, 330, 50, 40, 60
_PLOT = _HEIGHT - _TOP - _BOTTOM


def write(limits: Sequence[int], rows: Mapping[str, Sequence[Summary]]) -> None:
    """Draw the reuse of each policy at each limit as bars."""
    body = "\n".join([*_axis(), *_bars(limits, rows), *_legend([*rows])])
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'font-family="sans-serif" font-size="12" fill="{_GREY}">\n{body}\n</svg>\n'
    )
    FILE.write_text(text, encoding="utf-8")


def _axis() -> Iterator[str]:
    title = "Part of a request that the request before has sent in the same place"
    yield f'<text x="{_LEFT}" y="20" font-size="14">{title}</text>'
    for percent in range(0, 101, 25):
        y = _y(percent / 100)
        yield (
            f'<line x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}" '
            f'stroke="{_GREY}" stroke-opacity="0.25"/>'
        )
        yield f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{percent} %</text>'


def _bars(limits: Sequence[int], rows: Mapping[str, Sequence[Summary]]) -> Iterator[str]:
    group = (_WIDTH - _LEFT) / len(limits)
    width = group / (len(rows) + 1.5)
    for column, limit in enumerate(limits):
        left = _LEFT + column * group + width * 0.75
        for number, summaries in enumerate(rows.values()):
            reuse = summaries[column].reuse
            x = left + number * width
            yield (
                f'<rect x="{x + 2:.1f}" y="{_y(reuse):.1f}" width="{width - 4:.1f}" '
                f'height="{reuse * _PLOT:.1f}" fill="{_COLORS[number]}"/>'
            )
            yield (
                f'<text x="{x + width / 2:.1f}" y="{_y(reuse) - 5:.1f}" text-anchor="middle">'
                f"{reuse:.0%}</text>"
            )
        middle = _LEFT + (column + 0.5) * group
        yield (
            f'<text x="{middle:.1f}" y="{_HEIGHT - _BOTTOM + 20}" text-anchor="middle">'
            f"{limit:,} tokens</text>"
        )


def _legend(names: Sequence[str]) -> Iterator[str]:
    step = (_WIDTH - _LEFT) / len(names)
    for number, name in enumerate(names):
        x, y = _LEFT + number * step, _HEIGHT - 16
        yield f'<rect x="{x:.0f}" y="{y - 10}" width="12" height="12" fill="{_COLORS[number]}"/>'
        yield f'<text x="{x + 18:.0f}" y="{y}">{escape(name)}</text>'


def _y(part: float) -> float:
    return _TOP + (1 - part) * _PLOT
