"""Estimates of many kinds of text, against the tokens that tiktoken counts.

``python -m scripts.token_errors`` counts the texts again and writes `docs/token-counts.md`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tiktoken
from processor_time import seconds

from chatstore.core.tokens.estimate import estimate_tokens
from chatstore.core.tokens.shipped import shipped_file

TEXTS: dict[str, dict[str, Any]] = json.loads(
    Path(__file__).with_name("token_texts.json").read_text(encoding="utf-8")
)
CLOSE = ["Chinese", "Traditional Chinese", "Japanese", "Korean", "Hindi", "Russian", "Arabic"]


def error(text: str, tokens: int) -> float:
    """Return the estimate as a multiple of the tokens."""
    return estimate_tokens(text) / tokens


@pytest.mark.parametrize("kind", TEXTS)
def test_no_kind_is_estimated_too_low(kind: str) -> None:
    assert error(**TEXTS[kind]) >= 0.97


@pytest.mark.parametrize("kind", CLOSE)
def test_large_languages_are_not_estimated_far_too_high(kind: str) -> None:
    assert error(**TEXTS[kind]) <= 1.3


def test_the_numbers_of_tokens_are_tiktokens(monkeypatch: pytest.MonkeyPatch) -> None:
    vocabulary = shipped_file("o200k_base")
    if vocabulary is None:
        pytest.skip("no installed package ships the vocabulary")
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(vocabulary.parent))
    encoding = tiktoken.get_encoding("o200k_base")

    counted = {kind: len(encoding.encode_ordinary(text["text"])) for kind, text in TEXTS.items()}
    assert counted == {kind: text["tokens"] for kind, text in TEXTS.items()}


@pytest.mark.parametrize("character", ["a", "A", "=", " ", "\n", "1", "é", "漢", "я", "🎉", "\x00"])
def test_a_megabyte_of_one_character_takes_milliseconds(character: str) -> None:
    short, long = character * 10_000, character * 1_000_000

    taken = seconds(lambda: estimate_tokens(long))
    assert taken < 30 * seconds(lambda: estimate_tokens(short)) or taken < 0.02
