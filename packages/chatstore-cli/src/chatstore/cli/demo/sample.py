"""A conversation with a travel agent, with parallel tool calls."""

import json

from chatstore.core import ChatMessage, from_openai


def sample() -> list[ChatMessage]:
    """Return the sample, oldest first."""
    messages: list[dict[str, object]] = [
        {
            "role": "system",
            "content": "You are the agent of a small travel office. Be brief, and never guess: "
            "look things up with the tools.",
        },
        {"role": "user", "content": "Good morning! I want to spend a weekend by the sea in June."},
        {
            "role": "assistant",
            "content": "Gladly. From which city do you start, and how do you go?",
        },
        {"role": "user", "content": "Vienna, by train. How is the weather in Trieste and in Pula?"},
        _calls(("w1", "weather", {"city": "Trieste"}), ("w2", "weather", {"city": "Pula"})),
        _result("w1", {"city": "Trieste", "june": {"high": 26.5, "rain_days": 8}}),
        _result("w2", {"city": "Pula", "june": {"high": 27.0, "rain_days": 6}}),
        {
            "role": "assistant",
            "content": "Both are warm: Trieste has 26.5 °C and 8 days of rain in June, "
            "Pula 27 °C and 6.",
        },
        {"role": "user", "content": "Trieste then, it has the trains. 12 to 14 June, two people."},
        _calls(
            ("t1", "find_trains", {"from": "Wien Hbf", "to": "Trieste Centrale", "day": "12 June"}),
            ("h1", "find_hotels", {"city": "Trieste", "nights": 2, "guests": 2}),
        ),
        _result("t1", {"trains": [{"departs": "07:58", "arrives": "17:08", "price_eur": 59.9}]}),
        _result("h1", {"hotels": [{"name": "Albergo al Molo", "price_eur": 248}]}),
        {
            "role": "assistant",
            "content": "There is a train at 07:58 for 59.90 € each, and two nights at the Albergo "
            "al Molo cost 248 €. Shall I book both?",
        },
        {"role": "user", "content": "Yes please, under the name Gruber. ☀️"},
        _calls(("b1", "book", {"name": "Gruber", "train": "07:58", "hotel": "Albergo al Molo"})),
        _result("b1", {"booked": True, "reference": "SEA-2206"}),
        {"role": "assistant", "content": "Booked! Your reference is SEA-2206. Have a good time."},
        {"role": "user", "content": "Thank you. And what do I need to pack?"},
    ]
    return [from_openai(message) for message in messages]


def _calls(*calls: tuple[str, str, dict[str, object]]) -> dict[str, object]:
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": call_id,
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(arguments)},
            }
            for call_id, name, arguments in calls
        ],
    }


def _result(call_id: str, answer: dict[str, object]) -> dict[str, object]:
    content = json.dumps(answer, ensure_ascii=False)
    return {"role": "tool", "tool_call_id": call_id, "content": content}
