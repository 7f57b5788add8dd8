"""What input costs with a prompt cache, at the prices that providers publish."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from benchmarks.windows.measure import Request


class Prices(NamedTuple):
    """Dollars for a million tokens of input.

    Attributes:
        model: The model.
        source: The provider's page of prices.
        fresh: Input that is not in the cache. It is written to the cache.
        cached: Input that is in the cache.
        least: The tokens of the shortest beginning that is cached.

    """

    model: str
    source: str
    fresh: float
    cached: float
    uncached: float
    least: int


READ_ON = "2026-11-26"
"""The day on which the pages were read, as copies that may be some weeks older."""

PRICES = (
    Prices("OpenAI GPT-5.2", "https://openai.com/api/pricing/", 1.75, 0.175, 1.75, 1024),
    Prices(
        "Anthropic Claude Opus 5",
        "https://platform.claude.com/docs/en/about-claude/pricing",
        6.25,
        0.50,
        5.00,
        1024,
    ),
)


class Bill(NamedTuple):
    """Input of requests.

    Attributes:
        fresh: Tokens that are billed in full.
        cached: Tokens that are billed as cached.
        dollars: The price of both.
        dollars_without: The price without a cache.

    """

    fresh: int
    cached: int
    dollars: float
    dollars_without: float


def bill(requests: Iterable[Request], prices: Prices) -> Bill:
    """Compute the price of requests that follow each other before the cache expires."""
    fresh = cached = 0
    for request in requests:
        hit = request.shared if request.shared >= prices.least else 0
        fresh, cached = fresh + request.tokens - hit, cached + hit
    return Bill(
        fresh,
        cached,
        (fresh * prices.fresh + cached * prices.cached) / 1e6,
        (fresh + cached) * prices.uncached / 1e6,
    )
