"""Exactly once: a call whose reply was lost may be sent again."""

from __future__ import annotations

from comparison.lab import Lab, Outcome, user


def check(lab: Lab) -> Outcome:
    """Append a message again under the same id after three others; then lose a reply."""
    worker = lab.worker()
    lost = user("question", "id-of-question")
    others = [user(f"later {number}", f"id-of-later-{number}") for number in range(3)]
    errors = worker.call("append", "plain1", [lost, *others, lost])["errors"]
    count = worker.call("texts", "plain1").count("question")
    if count != 1:
        return Outcome(False, f"a message that is sent again under its id is stored {count} times")
    if errors:
        return Outcome(True, f"stored once; the repetition raises {errors[0]}")
    return _lose_a_reply(lab)


def _lose_a_reply(lab: Lab) -> Outcome:
    """Drop the reply of an append; the caller sends the message again if it sees an error."""
    if lab.server.port is None:
        return Outcome(True, "a message that is sent again under its id is stored once")
    relay = lab.relay()
    worker = lab.worker(port=relay.port)
    worker.call("append", "plain2", [user("first", "id-of-first")])
    relay.lose_replies(1, containing=b"the-second-text")
    message = user("the-second-text", "id-of-second")
    for _ in range(3):
        if not worker.call("append", "plain2", [message])["errors"]:
            break
    assert relay.lost_replies == 1, "no reply was lost: the message is not in the request as text"
    count = worker.call("texts", "plain2").count("the-second-text")
    text = "a message that is sent again under its id, also after a lost reply, is stored"
    return Outcome(count == 1, f"{text} {'once' if count == 1 else f'{count} times'}")
