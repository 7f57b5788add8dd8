"""Strategies for Agent Framework's messages, with every kind of content."""

from __future__ import annotations

from typing import Any

from agent_framework import Content, Message
from hypothesis import strategies as st

TEXT = st.text(st.characters(codec="utf-8"), max_size=5)
NAMES = st.text(st.characters(codec="ascii", categories=["L"]), min_size=1, max_size=3)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=3,
)
OBJECTS = st.dictionaries(NAMES, JSON, max_size=2)
EXTRA = {"additional_properties": OBJECTS}
IDS = st.sampled_from(["c1", "c2"])
CITATIONS = st.lists(
    st.fixed_dictionaries({"type": st.just("citation"), "title": TEXT, "raw_representation": TEXT}),
    min_size=1,
    max_size=1,
)
MEDIA = st.builds(
    Content.from_data,
    st.binary(min_size=1, max_size=3),
    st.sampled_from(["image/png", "audio/wav", "application/pdf"]),
    **EXTRA,
) | st.builds(Content.from_uri, st.just("https://a.test/b.png"), media_type=st.just("image/png"))
TEXTS = st.builds(Content.from_text, TEXT, annotations=st.none() | CITATIONS, **EXTRA)
CALLS = st.builds(
    Content,
    st.just("function_call"),
    call_id=IDS,
    name=NAMES,
    arguments=TEXT | OBJECTS | st.none(),
    id=st.none() | NAMES,
    informational_only=st.booleans(),
    **EXTRA,
    # Older versions of the framework do not have it.
    **({"hosted": st.booleans()} if hasattr(Content("text"), "hosted") else {}),
)
RESULTS = st.builds(
    Content.from_function_result,
    IDS,
    result=TEXT | st.lists(TEXTS | MEDIA, max_size=2),
    exception=st.none() | TEXT,
    **EXTRA,
)
CALLS_WITH_ID = CALLS.filter(lambda call: call.id)
REQUESTS = CALLS_WITH_ID.map(
    lambda call: Content.from_function_approval_request(id=call.id or "", function_call=call)
)
RESPONSES = st.tuples(CALLS_WITH_ID, st.booleans()).map(
    lambda pair: Content.from_function_approval_response(
        pair[1], id=pair[0].id or "", function_call=pair[0]
    )
)
HOSTED = (
    st.builds(Content.from_hosted_file, NAMES)
    | st.builds(Content.from_usage, st.just({"input_token_count": 3}))
    | st.builds(Content.from_error, message=TEXT, error_code=TEXT)
    | st.builds(Content.from_code_interpreter_tool_call, call_id=IDS, inputs=st.lists(TEXTS))
    | st.builds(Content.from_mcp_server_tool_call, IDS, NAMES, arguments=OBJECTS)
    | st.builds(Content.from_mcp_server_tool_result, call_id=IDS, output=st.lists(TEXTS))
    | st.builds(Content.from_shell_tool_call, call_id=IDS, commands=st.lists(TEXT, max_size=2))
)
REASONING = st.builds(
    Content.from_text_reasoning, text=st.none() | TEXT, protected_data=st.none() | TEXT, **EXTRA
)
CONTENTS = {
    "user": TEXTS | MEDIA | RESPONSES | HOSTED,
    "system": TEXTS,
    "assistant": TEXTS | REASONING | CALLS | REQUESTS | HOSTED | MEDIA,
    "tool": RESULTS,
    "narrator": TEXTS,
}


@st.composite
def agent_messages(draw: Any) -> Message:
    """Return a message of any role."""
    role = draw(st.sampled_from(list(CONTENTS)))
    return Message(
        role,
        draw(st.lists(CONTENTS[role], max_size=3)),
        author_name=draw(st.none() | NAMES),
        additional_properties=draw(OBJECTS),
    )


def conversations() -> Any:
    """Return a strategy of lists of messages."""
    return st.lists(agent_messages(), max_size=4)


def saved(message: Message) -> dict[str, Any]:
    """Return a message as the framework saves it, without its id."""
    fields = message.to_dict(exclude={"message_id"})
    for content in fields["contents"]:
        for annotation in content.get("annotations") or ():
            annotation.pop("raw_representation", None)
    return fields
