"""One conversation, begun with LangChain, goes on in every other framework, twice.

Each framework runs its real agent with a fake model, which receives the whole conversation,
calls its tool twice at once, and repeats the results.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import asking
import asking_sessions as sessions
import pytest
import words

from chatstore.core import ChatMemoryBuffer, open_store
from chatstore.core.testing.provider_rules import provider_violations

# LlamaIndex's workflows use attributes that pydantic deprecates; Strands' graphs and ADK warn about
# their own experiments.
pytestmark = pytest.mark.filterwarnings(
    "ignore::pydantic.warnings.PydanticDeprecationWarning", "ignore::UserWarning"
)
KEY = sessions.ADK_KEY
FRAMEWORKS: dict[str, Any] = {
    "langchain": (asking.by_langchain, words.words_of_langchain),
    "llama-index": (asking.by_llama_index, words.words_of_llama_index),
    "openai-agents": (asking.by_openai_agents, words.words_of_items),
    "pydantic-ai": (asking.by_pydantic_ai, words.words_of_model_messages),
    "haystack": (asking.by_haystack, words.words_of_haystack),
    "agent-framework": (sessions.by_agent_framework, words.words_of_agent_framework),
    "strands": (sessions.by_strands, words.words_of_strands),
    "google-adk": (sessions.by_google_adk, words.words_of_gemini),
    "langgraph": (sessions.by_langgraph, words.words_of_langchain),
}


def calls_first(spoken: Any) -> Any:
    """Return the words with Claude's calls in front of their results.

    The CLI writes each of several calls as a message of its own, which windows separate.
    """
    begin = next((i for i, one in enumerate(spoken) if one == ("user", "claude")), len(spoken)) + 1
    calls = sorted((one for one in spoken[begin : begin + 4]), key=lambda one: one[:2])
    return [*spoken[:begin], *calls, *spoken[begin + 4 :]]


def test_one_conversation_through_all_frameworks(each_store_url: str, tmp_path: Path) -> None:
    spoken: list[Any] = []
    with open_store(each_store_url) as store:
        for round_number in (1, 2):
            for name, (ask, words_of) in FRAMEWORKS.items():
                question = f"{name}{round_number}"
                received = words_of(ask(store, KEY, question))
                assert calls_first(received) == [*spoken, ("user", question)], name
                spoken += words.turn(question)
            if round_number == 1:
                ask_claude = partial(sessions.by_claude, home=tmp_path / "home")
                received = words.words_of_anthropic(ask_claude(each_store_url, KEY, "claude"))
                assert received == [*spoken, ("user", "claude")]
                spoken += words.turn("claude")
        memory = ChatMemoryBuffer(10**6, store, KEY, tokenizer_fn=str.split)
        assert provider_violations(memory.get()) == []
