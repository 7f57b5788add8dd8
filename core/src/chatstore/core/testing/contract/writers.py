"""Many writers use one key: no message is lost or stored twice."""

from collections.abc import Callable

from chatstore.core import ChatStore
from chatstore.core.testing.alone import alone
from chatstore.core.testing.contract.base import Base
from chatstore.core.testing.contract.modes import Caller
from chatstore.core.testing.harness import ContractHarness
from chatstore.core.testing.messages import contents, message


class Writers(Base):
    def test_eight_writers_lose_nothing(self, store: ChatStore, call: Caller) -> None:
        call.together(
            [
                [(store, "add_message", ("k", message(f"{w} {i}"))) for i in range(15)]
                for w in range(8)
            ]
        )
        got = contents(call(store, "get_messages", "k"))
        for w in range(8):
            mine = [t for t in got if t.startswith(f"{w} ")]
            assert mine == [f"{w} {i}" for i in range(15)]
        assert len(got) == call(store, "count_messages", "k") == 120

    def test_eight_writers_without_combined_appends_lose_nothing(
        self, store: ChatStore, call: Caller
    ) -> None:
        written = [[f"{w} {i}" for i in range(10)] for w in range(8)]
        call.together(
            [
                [(alone(store), "add_message", ("k", message(text))) for text in of_writer]
                for of_writer in written
            ]
        )
        got = contents(call(store, "get_messages", "k"))
        assert [[text for text in got if text[0] == str(w)] for w in range(8)] == written

    def test_delete_last_returns_each_once(self, store: ChatStore, call: Caller) -> None:
        call(store, "set_messages", "k", [message(str(i)) for i in range(40)])
        results = call.together([[(store, "delete_last_message", ("k",))] * 6 for _ in range(8)])
        got = [m.content for worker in results for m in worker if m is not None]
        assert sorted(got, key=int) == [str(i) for i in range(40)]
        assert call(store, "get_keys") == []

    def test_insert_and_delete_at_once(self, store: ChatStore, call: Caller) -> None:
        call(store, "set_messages", "k", [message(f"old {i}") for i in range(20)])
        inserts = [
            [(store, "add_message", ("k", message(f"{w} {i}"), 0)) for i in range(8)]
            for w in range(4)
        ]
        deletes = [[(store, "delete_message", ("k", 1))] * 8 for _ in range(2)]
        results = call.together([*inserts, *deletes])
        gone = [m.content for worker in results[4:] for m in worker]
        left = contents(call(store, "get_messages", "k"))
        everything = [f"old {i}" for i in range(20)]
        everything += [f"{w} {i}" for w in range(4) for i in range(8)]
        assert sorted(gone + left) == sorted(everything)
        assert call(store, "count_messages", "k") == len(left) == 36

    def test_two_instances_on_one_key(
        self, harness: ContractHarness, opened: Callable[..., ChatStore], call: Caller
    ) -> None:
        stores = [opened(), opened()]
        call.together(
            [
                [(s, "add_message", ("k", message(f"{w} {i}"))) for i in range(20)]
                for w, s in enumerate(stores)
            ]
        )
        got = [contents(call(s, "get_messages", "k")) for s in stores]
        written = [[f"{w} {i}" for i in range(20)] for w in range(2)]
        if not harness.shared_between_instances:
            assert got == written
            return
        assert got[0] == got[1]
        assert len(got[0]) == 40
        assert [[t for t in got[0] if t[0] == str(w)] for w in range(2)] == written
