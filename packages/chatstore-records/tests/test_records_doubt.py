"""Calls whose commit was refused, or got no answer, before many others wrote."""

import pytest

from chatstore.core import ChatMessage, StoreUnavailableError
from chatstore.core.plans import call
from chatstore.records.head import REMEMBERED
from chatstore.records.testing import MemoryChatStore, MemoryDatabase


class EventfulDatabase(MemoryDatabase):
    """Lets something happen at a commit: an event is given what the commit would do."""

    def __init__(self):
        super().__init__()
        self.events = []

    def commit(self, *arguments, **options):
        [act] = super().commit(*arguments, **options)
        event = self.events.pop(0) if self.events else None
        return call(act if event is None else lambda client: event(lambda: act(client)))


@pytest.fixture
def database():
    return EventfulDatabase()


@pytest.fixture
def store(database):
    with MemoryChatStore(database) as store:
        store.set_messages("k", [say("0"), say("1")])
        yield store


@pytest.fixture
def many_write(database):
    """Return what lets so many others write that a head forgets what was before."""

    def write():
        with MemoryChatStore(database) as other:
            for _ in range(REMEMBERED):
                other.add_message("k", say("other"))

    return write


def say(text):
    return ChatMessage(role="user", content=text)


def texts(store):
    return [message.content for message in store.get_messages("k") if message.content != "other"]


def remove(store):
    return store.delete_message("k", 0).content


def append(store):
    store.add_message("k", say("new"))


def lost():
    message = "no answer"
    raise StoreUnavailableError(message)


def test_a_refused_call_goes_on_however_many_were_faster(store, database, many_write):
    def refused(commit):
        with MemoryChatStore(database) as other:
            remove(other)
        many_write()
        return commit()

    database.events = [refused]

    assert remove(store) == "1"
    assert texts(store) == []


def test_an_append_is_found_by_what_it_wrote(store, database, many_write):
    database.events = [lambda commit: (commit(), many_write(), lost())]

    append(store)

    assert texts(store) == ["0", "1", "new"]


def test_a_removal_that_left_no_trace_is_said_to_be_unknown(store, database, many_write):
    database.events = [lambda commit: (commit(), many_write(), lost())]

    with pytest.raises(StoreUnavailableError, match="unknown whether the call took effect"):
        remove(store)

    assert texts(store) == ["1"]


def test_a_refusal_says_nothing_of_an_earlier_attempt(store, database, many_write):
    late = []

    def refused(commit):
        late.pop()()
        many_write()
        return commit()

    database.events = [lambda commit: (late.append(commit), lost()), refused]

    append(store)

    assert texts(store) == ["0", "1", "new"]
