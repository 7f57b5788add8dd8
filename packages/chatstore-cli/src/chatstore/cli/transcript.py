"""Printing a conversation as a chat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatstore.cli.amounts import counted, file_size
from chatstore.cli.clean import one_line
from chatstore.cli.output import Part, print_text
from chatstore.cli.times import local_second, local_time
from chatstore.core import TokenCounter
from chatstore.core.blocks import ContentBlock, TextBlock, ThinkingBlock
from chatstore.core.tool_calls import CALL_BLOCKS, RESULT_BLOCKS, Result, result_blocks

if TYPE_CHECKING:
    from chatstore.cli.folding import Entry
    from chatstore.core import Conversation

_STYLES = {
    "system": "magenta",
    "developer": "magenta",
    "user": "cyan",
    "assistant": "green",
    "chatbot": "green",
    "model": "green",
    "tool": "yellow",
    "function": "yellow",
}
_FOLDED_LENGTH = 160  # characters; two lines of most terminals
_INDENT = 2


class Transcript:
    """Prints entries.

    Tokens are estimated: loading a vocabulary may need the network.
    """

    def __init__(self, *, full: bool = False) -> None:
        """Begin a transcript.

        Args:
            full: Print arguments and results of tools whole; otherwise their beginning.

        """
        self._full = full
        self._counter = TokenCounter()

    def print_record(self, conversation: Conversation) -> None:
        """Print the record of the conversation."""
        key = one_line(conversation.key)
        print_text((one_line(conversation.title or key), "bold"))
        named = f"{key}, " if conversation.title else ""
        owner = f"owner {one_line(conversation.owner)}, " if conversation.owner else ""
        details = (
            f"{named}{owner}{counted(conversation.length, 'message')}, "
            f"updated {local_time(conversation.updated_at)}"
        )
        print_text((details, "dim"))

    def print_entry(self, entry: Entry) -> None:
        """Print a message with its calls and results."""
        message = entry.message
        role = message.role.value
        time = "" if message.created_at is None else f"  {local_second(message.created_at)}"
        tokens = f"  about {counted(self._counter.count(message), 'token')}"
        print_text("\n", (role, f"bold {_STYLES[role]}"), (time + tokens, "dim"))
        if not entry.results or result_blocks(message):  # otherwise the content is the result
            self._print_content(message.content)
        for call, result in entry.calls:
            self._print_tool("→", f"{one_line(call.name)}({self._folded(call.arguments)})", 1)
            if result is None:
                self._print_tool("←", "no result", 2)
            else:
                self._print_result(result, 2)
        for result in entry.results:
            self._print_result(result, 1)

    def print_addition(self, text: str) -> None:
        """Print what was added to the text of the last message."""
        print_text(text, indent=_INDENT)

    def print_notice(self, text: str) -> None:
        """Print what happened to the conversation."""
        print_text("\n", (text, "italic red"))

    def _print_content(self, content: str | list[ContentBlock] | None) -> None:
        blocks = [content] if isinstance(content, str) else content or []
        for block in blocks:
            part = _block_part(block)
            if part:
                print_text(part, indent=_INDENT)

    def _print_result(self, result: Result, level: int) -> None:
        content = result.content
        if not isinstance(content, str):
            shown = [
                part if isinstance(part, str) else part[0] for part in map(_block_part, content)
            ]
            content = "\n".join(shown)
        self._print_tool("←", self._folded(content), level)

    def _print_tool(self, sign: str, text: str, level: int) -> None:
        print_text((f"{sign} {text}", "yellow" if sign == "→" else "dim"), indent=_INDENT * level)

    def _folded(self, text: str) -> str:
        """Return the beginning of a long text, in one line, with the number of characters left."""
        if self._full:
            return text
        line = " ".join(text.split())
        if len(line) <= _FOLDED_LENGTH:
            return line
        return f"{line[:_FOLDED_LENGTH]}… ({len(line) - _FOLDED_LENGTH:,} more characters)"


def _block_part(block: str | ContentBlock) -> Part:
    """Return how a block of content is shown; calls and results are shown elsewhere."""
    if isinstance(block, str):
        return block
    if isinstance(block, TextBlock):
        return block.text
    if isinstance(block, ThinkingBlock):
        return block.thinking, "dim italic"
    if block.type in CALL_BLOCKS or block.type in RESULT_BLOCKS:
        return ""
    fields: dict[str, Any] = block.model_dump()
    details = [str(fields[name]) for name in ("name", "media_type", "url") if fields.get(name)]
    if isinstance(fields.get("data"), str):
        details.append(file_size(len(fields["data"]) * 3 // 4))  # it is base64
    return f"[{', '.join([block.type, *details])}]", "italic"
