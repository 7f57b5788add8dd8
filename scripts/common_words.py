"""Write the table of common words with which tokens are estimated.

``python -m scripts.common_words`` needs tiktoken's vocabulary; see `benchmarks.vocabulary`.
"""

from __future__ import annotations

import re
from pathlib import Path

import tiktoken

TABLE = Path("core/src/chatstore/core/tokens/common_words.txt")
_ENGLISH = re.compile(r" [a-z]{8,16}")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff々〆]{1,4}")
_LONG_WORDS = 4500


def main() -> None:
    """Write the table: a line of English words and a line of Chinese and Japanese words."""
    encoding = tiktoken.get_encoding("o200k_base")
    english: list[str] = []
    cjk: list[str] = []
    for token in encoding.token_byte_values():  # the most common first
        try:
            text = token.decode()
        except UnicodeDecodeError:
            continue
        if _CJK.fullmatch(text):
            cjk.append(text)
        elif _ENGLISH.fullmatch(text):
            english.append(text.strip())
    ranked = sorted(english, key=lambda word: encoding.encode_single_token(" " + word))
    lines = [sorted(ranked[:_LONG_WORDS]), sorted(cjk)]
    TABLE.write_text("".join(" ".join(line) + "\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    main()
