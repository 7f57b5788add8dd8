"""Write how well tokens are estimated: ``python -m scripts.token_errors``.

It counts the texts in `core/tests/token_texts.json` with tiktoken, stores the counts beside them,
and writes the table in `docs/token-counts.md`. tiktoken's vocabulary is read from an installed
package or downloaded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import tiktoken
from scripts.workspace import ROOT

from chatstore.core.tokens.estimate import estimate_tokens
from chatstore.core.tokens.shipped import provide_vocabulary

_TEXTS = ROOT / "core" / "tests" / "token_texts.json"
_PAGE = ROOT / "docs" / "token-counts.md"
_MARKS = ("<!-- errors -->\n", "<!-- end of errors -->")


def main() -> None:
    """Count, and write both files."""
    provide_vocabulary("o200k_base")
    encoding = tiktoken.get_encoding("o200k_base")
    texts: dict[str, dict[str, Any]] = json.loads(_TEXTS.read_text(encoding="utf-8"))
    for text in texts.values():
        text["tokens"] = len(encoding.encode_ordinary(text["text"]))
    _TEXTS.write_text(json.dumps(texts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    page = _PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(_MARKS[0])
    _, _, after = rest.partition(_MARKS[1])
    table = f"\n{_table(texts)}\n\n"
    _PAGE.write_text(before + _MARKS[0] + table + _MARKS[1] + after, encoding="utf-8")


def _table(texts: Mapping[str, Mapping[str, Any]]) -> str:
    errors = {kind: estimate_tokens(text["text"]) / text["tokens"] for kind, text in texts.items()}
    rows = [
        f"| {kind} | {texts[kind]['tokens']:,} | {error:.2f} |"
        for kind, error in sorted(errors.items(), key=lambda item: item[1])
    ]
    return "\n".join(
        ["| kind of text | tokens | estimate / tokens |", "| --- | ---: | ---: |", *rows]
    )


if __name__ == "__main__":
    main()
