"""What is made for the AI SDK has the types that Pydantic AI declares for it."""

# The generators are beside the tests of the core.
# pyright: reportMissingImports=false

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hypothesis import given
from pydantic import TypeAdapter
from pydantic_ai.ui.vercel_ai.request_types import UIMessage

from chatstore.core import from_ui_messages, to_ui_messages

sys.path.append(str(Path(__file__).parents[2] / "core" / "tests"))

from generated_messages import CONVERSATIONS

_messages = TypeAdapter(list[UIMessage])


@given(CONVERSATIONS)
def test_messages_have_the_declared_types(messages: Any) -> None:
    shown = to_ui_messages(messages)

    models = _messages.validate_python(shown)

    assert to_ui_messages(from_ui_messages(models)) == shown
