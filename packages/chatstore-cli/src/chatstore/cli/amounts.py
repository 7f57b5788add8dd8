"""Amounts, as people read them."""

from __future__ import annotations


def file_size(size: float) -> str:
    """Return a number of bytes with a unit, such as ``1.5 MB``."""
    for unit in ("bytes", "KB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} GB"


def counted(number: int, unit: str) -> str:
    """Return a number with its unit, such as ``1 message`` or ``2,000 messages``."""
    return f"{number:,} {unit}" if number == 1 else f"{number:,} {unit}s"
