"""What the databases hold is encrypted, and with hashed names nobody is named."""

from __future__ import annotations

from typing import Any

import pytest
from secret_calls import CONTENT, NAMES, contained, store_secrets
from stacks import COMBINED, LAYERS, LayerCase, plain
from stored import DUMPS

# Without layers the same search finds everything, so it can find what it looks for.
EXPECTED: dict[str, tuple[LayerCase, list[str], list[str]]] = {
    "none": (plain, CONTENT, NAMES),
    "encrypted": (LAYERS["encrypted"], [], NAMES),
    "hashed": (LAYERS["hashed"], [], []),
    "all": (COMBINED, [], []),
}


@pytest.mark.parametrize("layers", EXPECTED)
@pytest.mark.parametrize("database", DUMPS)
def test_what_is_stored(request: pytest.FixtureRequest, database: str, layers: str) -> None:
    harness: Any = request.getfixturevalue(f"{database}_harness")
    tested, content, names = EXPECTED[layers]
    store_secrets(tested.over(harness).open())
    text = DUMPS[database](harness)
    assert contained(CONTENT, text) == content
    assert contained(NAMES, text) == names
