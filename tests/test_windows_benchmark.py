"""The measurement of windows replays conversations and computes prices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from benchmarks.windows import chart, conversations, pages
from benchmarks.windows.costs import Prices, bill
from benchmarks.windows.measure import Request, Summary, measure
from benchmarks.windows.policies import POLICIES

CONVERSATION = conversations.generate(conversations.KINDS["chat with tools"], 20)


@pytest.mark.parametrize("policy", POLICIES)
def test_each_policy_is_measured(policy: str) -> None:
    summary = measure([CONVERSATION], POLICIES[policy], 1000)

    assert len(summary.requests) == sum(m.role == "assistant" for m in CONVERSATION) - 1
    assert 0 < summary.reuse < 1
    assert summary.refused == 0
    assert summary.fills


def test_steps_reuse_more_than_sliding() -> None:
    steps, sliding = (
        measure([CONVERSATION], POLICIES[name], 1000) for name in ("steps (default)", "sliding")
    )

    assert steps.reuse > sliding.reuse
    assert steps.moves < sliding.moves


def test_a_beginning_that_is_long_enough_is_billed_as_cached() -> None:
    requests = [Request(3000, shared, False, False, False) for shared in (2000, 1000)]
    prices = Prices("model", "source", fresh=2.0, cached=0.5, uncached=1.0, least=1024)

    cost = bill(requests, prices)

    assert (cost.fresh, cost.cached) == (4000, 2000)
    assert cost.dollars == pytest.approx((4000 * 2.0 + 2000 * 0.5) / 1e6)
    assert cost.dollars_without == pytest.approx(6000 / 1e6)


def test_real_conversations_are_read(tmp_path: Path) -> None:
    file = tmp_path / "conversations.jsonl"
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}]
    file.write_text(f"{json.dumps({'messages': messages})}\n" * 2)

    read = conversations.read(file)

    assert [len(one) for one in read] == [2, 2]
    assert [m.content for m in conversations.join(read)] == ["s", "q", "q"]


def test_tables_and_chart_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page, picture = tmp_path / "page.md", tmp_path / "chart.svg"
    page.write_text("before\n<!-- name -->\nold\n<!-- end of name -->\nafter\n")
    monkeypatch.setattr(pages, "WINDOWS", page)
    monkeypatch.setattr(chart, "FILE", picture)
    rows: dict[str, Any] = {"a policy": [Summary(10, [Request(10, 5, True, True, False)])]}

    pages.write_table("name", [10], rows)
    chart.write([10], rows)

    text = page.read_text()
    assert "old" not in text
    assert text.startswith("before\n<!-- name -->\n")
    assert "| 10 | a policy | 50.0% | 100% | 100% | 1 of 1 | 0 |" in text
    assert "a policy" in picture.read_text()
    with pytest.raises(ValueError, match="no part named 'other'"):
        pages.write_table("other", [10], rows)
