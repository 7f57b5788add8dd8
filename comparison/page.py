"""Write the page: where peers are better, the table, and each cell with its command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from comparison.not_promised import reason_of
from comparison.promises import PROMISES, sentence_of
from comparison.subjects import CHATSTORE, SUBJECTS, is_of_this_project

Result = Mapping[str, Any]
_INTRODUCTION = """# Comparison

Written by `make comparison`, which checks what a store of conversations has to promise, with one
suite, on the same servers, through thin adapters: the stores of this project and those of other
libraries, each in an environment of its own. Each cell is a small program;
`python -m comparison STORE PROMISE` runs it again and prints what it sees.

- **kept**: the check found no failure. It proves nothing beyond what the check does.
- **broken**: the check shows a failure, and the library's interface or documentation promises
  otherwise. An interface that appends messages to a conversation and reads them promises the order
  of appends that follow each other, the content, no mixing of conversations, and no loss of
  messages whose append succeeded.
- **not promised**: the check shows a failure of what the library never promised, or it is not
  clear that the library promised it.
- **n/a**: does not apply.

A library's choice can be right for its users: a saver of LangGraph keeps the state of a run, not a
chat, and a store in memory needs no connections. Not run: stores that need a Redis with
modules (`langgraph-checkpoint-redis`, `langchain-redis`), and stores for cloud services.
"""


def word(result: Result) -> str:
    """Return a cell's word."""
    if result["passed"] is None:
        return "n/a"
    if result["passed"]:
        return "kept"
    return "not promised" if reason_of(result["store"], result["promise"]) else "broken"


def render(results: Sequence[Result], versions: Mapping[str, str], date: str) -> str:
    """Return the page."""
    listed = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    parts = [
        _INTRODUCTION,
        f"Date: {date}. Versions: {listed}.\n",
        "## Where a peer is better\n",
        *_better(results),
        "\n## Promises kept and broken\n",
        *_table(results),
        "\n## What each check does\n",
        *(f"- **{title}**: {sentence_of(promise)}" for promise, title in PROMISES.items()),
        "\n## Each cell\n",
        *_cells(results),
    ]
    return "\n".join(parts) + "\n"


def _better(results: Sequence[Result]) -> Iterator[str]:
    lines = [*_kept_by_peers(results), *_faster(results)]
    yield from lines or ["In this run, nowhere."]


def _kept_by_peers(results: Sequence[Result]) -> Iterator[str]:
    """Find promises that a peer keeps and that a store of this project breaks on that server."""
    for own in results:
        if not is_of_this_project(own["store"]) or own["passed"] is not False:
            continue
        server = SUBJECTS[own["store"]].server
        peers = [
            item["store"]
            for item in results
            if item["promise"] == own["promise"]
            and item["passed"]
            and SUBJECTS[item["store"]].server == server
        ]
        if peers:
            title = PROMISES[own["promise"]]
            yield f"- {title}: kept by {', '.join(peers)}, broken by {own['store']}."


def _faster(results: Sequence[Result]) -> Iterator[str]:
    """Find calls that take a peer less time than this project's store on the same server."""
    costs = {item["store"]: item["figures"] for item in results if item["figures"]}
    rows = []
    for name, figures in costs.items():
        own = f"{CHATSTORE}-{SUBJECTS[name].server}"
        if is_of_this_project(name) or own not in costs:
            continue
        for call, seconds in figures.items():
            ratio = costs[own][call] / seconds
            if ratio > 1:
                rows.append(f"| {name} | {call.replace('recent', 'newest 20')} | {ratio:.2g} × |")
    if rows:
        yield (
            "Faster calls: how many times as long this project's store takes on the same server. "
            "Each time is the least of a few calls, on a machine with other work; "
            "[benchmarks.md](benchmarks.md) measures better."
        )
        yield "\n| store | call, at a length | chatstore takes |\n| --- | --- | --- |"
        yield from rows


def _table(results: Sequence[Result]) -> Iterator[str]:
    words = {(item["store"], item["promise"]): word(item) for item in results}
    yield f"| store | {' | '.join(PROMISES.values())} |"
    yield f"| --- |{' --- |' * len(PROMISES)}"
    for name in dict.fromkeys(item["store"] for item in results):
        cells = [words.get((name, promise), "") for promise in PROMISES]
        marked = [f"**{cell}**" if cell == "broken" else cell for cell in cells]
        yield f"| [{name}](#{name}) | {' | '.join(marked)} |"


def _cells(results: Sequence[Result]) -> Iterator[str]:
    for name in dict.fromkeys(item["store"] for item in results):
        subject = SUBJECTS[name]
        yield f"### {name}\n\n`{subject.what}` of {subject.library}.\n"
        yield "| promise | result | what the run showed | command |\n| --- | --- | --- | --- |"
        for item in results:
            if item["store"] == name:
                yield _cell(item)
        yield ""


def _cell(item: Result) -> str:
    reason = reason_of(item["store"], item["promise"]) if item["passed"] is False else None
    text = _escape(item["text"]) + (f" **Not promised**: {reason}" if reason else "")
    command = f"`python -m comparison {item['store']} {item['promise']}`"
    return f"| {PROMISES[item['promise']]} | {word(item)} | {text} | {command} |"


def _escape(text: str) -> str:
    for letter in "\\|*_<[":
        text = text.replace(letter, f"\\{letter}")
    return text
