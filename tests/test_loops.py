"""The programs for loops without a framework run with the real SDKs and fake models."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anthropic_model
import gemini_model
import openai_model
import pytest
from model_server import ModelServer, Reply
from programs import OFFLINE, run_program
from scripts.workspace import ROOT

LOOPS = ROOT / "examples" / "loops"
PAGE = (ROOT / "docs" / "loops.md").read_text()


def environment(url: str) -> dict[str, str]:
    return {
        "OPENAI_BASE_URL": f"{url}/v1",
        "OPENAI_API_KEY": "fake",
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": "fake",
        "GOOGLE_GEMINI_BASE_URL": url,
        "GEMINI_API_KEY": "fake",
        "TIKTOKEN_CACHE_DIR": "",
        "NO_PROXY": "127.0.0.1",
    }


def openai_lines(body: dict[str, Any]) -> list[list[str]]:
    lines = []
    for item in body["input"]:
        if item.get("type") == "function_call":
            lines.append(["call", item["arguments"]])
        elif item.get("type") == "function_call_output":
            lines.append(["result", item["output"]])
        elif item.get("type") != "reasoning":
            content = item["content"]
            text = content if isinstance(content, str) else content[0]["text"]
            lines.append([item["role"], text])
    # Reasoning comes back with what it led to.
    reasoning = [item for item in body["input"] if item.get("type") == "reasoning"]
    assert len(reasoning) == sum(line[0] in {"call", "assistant"} for line in lines)
    return lines


def anthropic_lines(body: dict[str, Any]) -> list[list[str]]:
    lines = []
    for message in body["messages"]:
        content = message["content"]
        blocks: Any = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for block in blocks:
            if block["type"] == "text":
                lines.append([message["role"], block["text"]])
            elif block["type"] == "tool_use":
                lines.append(["call", f'{{"city": "{block["input"]["city"]}"}}'])
            else:
                lines.append(["result", block["content"]])
    return lines


def gemini_lines(body: dict[str, Any]) -> list[list[str]]:
    lines = []
    for content in body["contents"]:
        for part in content["parts"]:
            if "text" in part:
                lines.append([content["role"].replace("model", "assistant"), part["text"]])
            elif "functionCall" in part:
                assert part["thoughtSignature"] == "c2ln"
                lines.append(["call", f'{{"city": "{part["functionCall"]["args"]["city"]}"}}'])
            else:
                lines.append(["result", part["functionResponse"]["response"]["output"]])
    return lines


@pytest.mark.parametrize(
    ("program", "answer", "lines_of", "store"),
    [
        ("openai_loop.py", openai_model.answer, openai_lines, "sqlite"),
        ("anthropic_loop.py", anthropic_model.answer, anthropic_lines, "redis"),
        ("gemini_loop.py", gemini_model.answer, gemini_lines, "postgres"),
    ],
)
def test_model_receives_the_whole_conversation(
    program: str,
    answer: Callable[[str, dict[str, Any]], Reply],
    lines_of: Callable[[Any], list[list[str]]],
    store: str,
    url_of: Callable[[str], str],
) -> None:
    """Three turns run, the process is killed in the fourth, and another one goes on."""
    command = [str(LOOPS / program), url_of(store), "user:42"]
    has_begun, may_end = threading.Event(), threading.Event()

    def hang_in_the_fourth(path: str, body: dict[str, Any]) -> Reply:
        if lines_of(body)[-1] == ["user", "crash"]:
            has_begun.set()
            may_end.wait(60)
        return answer(path, body)

    cities = ["Oslo", "Rome", "Lima"]
    with ModelServer(hang_in_the_fourth) as model:
        process = subprocess.Popen(
            [sys.executable, *command, *cities, "crash"],
            env={**os.environ, **OFFLINE, **environment(model.url)},
            stdout=subprocess.PIPE,
        )
        assert has_begun.wait(60)
        process.kill()
        output, _ = process.communicate()
        may_end.set()
    assert output.decode().splitlines() == [f"sunny in {city}" for city in cities]

    with ModelServer(answer) as model:
        lines = run_program(
            Path(command[0]),
            *command[1:],
            "Bonn",
            ignore="Warning",
            environment=environment(model.url),
        )
    assert lines == ["sunny in Bonn"]
    expected = []
    for city in cities:
        text = f"sunny in {city}"
        call = ["call", f'{{"city": "{city}"}}']
        expected += [["user", city], call, ["result", text], ["assistant", text]]
    expected += [["user", "crash"], ["user", "Bonn"]]
    exchange = [["call", '{"city": "Bonn"}'], ["result", "sunny in Bonn"]]
    assert [lines_of(body) for body in model.requests] == [expected, expected + exchange]


FAKES = {
    "streamlit_chat.py": """
import sys, types
class Streamlit(types.ModuleType):
    def cache_resource(self, function): return function
    def chat_message(self, role): self.role = role; return self
    def write(self, text): print(self.role, text)
    def write_stream(self, chunks):
        text = "".join(chunk.choices[0].delta.content for chunk in chunks)
        print(self.role, text)
        return text
    def chat_input(self, placeholder): return "Hi"
sys.modules["streamlit"] = Streamlit("streamlit")
""",
    "gradio_chat.py": """
import sys, types
class Interface:
    def __init__(self, answer, chatbot):
        for message in chatbot():
            print(message["role"], message["content"])
        print("user Hi")
        print("assistant", answer("Hi", []))
    def launch(self): pass
gradio = sys.modules["gradio"] = types.ModuleType("gradio")
gradio.Chatbot, gradio.ChatInterface = lambda value: value, Interface
""",
}
"""Small modules with the names that the programs use: the packages are large."""


@pytest.mark.parametrize("program", FAKES)
def test_user_interfaces_show_and_continue_the_conversation(program: str, tmp_path: Path) -> None:
    code = FAKES[program] + (LOOPS / program).read_text()
    turn = ["user Hi", "assistant You said Hi"]
    with ModelServer(openai_model.answer) as model:
        for number in range(1, 3):
            lines = run_program(
                code, ignore="Warning", cwd=tmp_path, environment=environment(model.url)
            )
            assert lines == turn * number
    assert len(model.requests[-1]["messages"]) == 3


@pytest.mark.parametrize("program", sorted(path.name for path in LOOPS.glob("*.py")))
def test_the_page_shows_each_program(program: str) -> None:
    assert f"```python\n{(LOOPS / program).read_text()}```" in PAGE
