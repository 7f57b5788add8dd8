"""``chatstore erase``: what is erased, the receipt, and runs that are killed."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command import Terminal, piped, succeeded
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chatstore.core import ChatStore, open_store
from chatstore.core.testing.messages import message
from chatstore.migrate import fingerprint

PEM = serialization.Encoding.PEM
PKCS8 = serialization.PrivateFormat.PKCS8
PLAIN = serialization.NoEncryption()


def fill(url: str, conversations: int = 5) -> None:
    with open_store(url) as store:
        for number in range(conversations):
            store.create_conversation(f"chat/{number}", owner="u42", title="x")
            store.add_messages(f"chat/{number}", [message(f"hi {n}") for n in range(number)])
        store.create_conversation("other", owner="u43")
        store.add_message("other", message("stays"))
        store.add_message("nobody's", message("stays"))


def keys(url: str) -> list[str]:
    with open_store(url) as store:
        return sorted(store.get_keys())


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "erasure.key"
    path.write_bytes(os.urandom(32))
    return path


@pytest.fixture
def options(tmp_path: Path, key: Path) -> list[str]:
    receipt = str(tmp_path / "receipt.json")
    return ["--owner", "u42", "--receipt", receipt, "--signing-key", str(key), "--yes"]


def receipt_of(tmp_path: Path) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((tmp_path / "receipt.json").read_text())["receipt"]
    return body


def test_erase(each_store_url: str, tmp_path: Path, options: list[str]) -> None:
    fill(each_store_url)
    with open_store(each_store_url) as store:
        before = fingerprint(store, owner="u42")

    done = succeeded("erase", *options, each_store_url)

    assert done.out.startswith("5 conversations with 10 messages of the owner u42 in ")
    assert keys(each_store_url) == ["nobody's", "other"]
    body = receipt_of(tmp_path)
    assert (body["conversations"], body["messages"], body["remaining"]) == (5, 10, 0)
    assert {entry["key"]: entry["messages"] for entry in body["erased"]} == {
        f"chat/{number}": number for number in range(5)
    }
    digests = sum(int(entry["sha256"], 16) for entry in body["erased"]) % 2**256
    assert f"{digests:064x}" == before.digest
    assert body["started_at"] <= body["erased"][0]["erased_at"] <= body["verified_at"]
    assert list(tmp_path.glob("*.part")) == list(tmp_path.glob("*.tmp")) == []


def test_verify(store_url: str, tmp_path: Path, options: list[str], key: Path) -> None:
    fill(store_url)
    succeeded("erase", *options, store_url)
    receipt = tmp_path / "receipt.json"
    verify = ["erase", "--verify", str(receipt), "--signing-key", str(key)]

    assert succeeded(*verify).out.startswith("The receipt is valid. 5 conversations with 10")
    assert succeeded(*verify, "--json").records[0]["valid"] is True

    text = receipt.read_text()
    for changed in (
        text.replace("chat/3", "chat/9"),
        text.replace('"messages": 10', '"messages": 9'),
    ):
        assert changed != text
        receipt.write_text(changed)
        done = piped(*verify)
        assert (done.code, done.out) == (1, "")
        assert "the signature does not match" in done.err
    receipt.write_text(text)
    key.write_bytes(os.urandom(32))
    assert piped(*verify).code == 1
    for bad in ("", "[]", "{}", '{"receipt": 1, "signature": 2}'):
        receipt.write_text(bad)
        done = piped(*verify)
        assert done.code == 1
        assert "is not a receipt" in done.err


def test_ed25519(store_url: str, tmp_path: Path, options: list[str], key: Path) -> None:
    fill(store_url)
    private = Ed25519PrivateKey.generate()
    public = tmp_path / "public.pem"
    public.write_bytes(
        private.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    key.write_bytes(public.read_bytes())
    refused = piped("erase", *options, store_url)
    assert refused.code == 2
    assert "sign with the private key" in refused.err
    assert len(keys(store_url)) == 7

    key.write_bytes(private.private_bytes(PEM, PKCS8, PLAIN))
    succeeded("erase", *options, store_url)

    receipt = tmp_path / "receipt.json"
    assert succeeded("erase", "--verify", receipt, "--signing-key", public)
    assert succeeded("erase", "--verify", receipt, "--signing-key", key)
    receipt.write_text(receipt.read_text().replace("u42", "u44"))
    assert piped("erase", "--verify", receipt, "--signing-key", public).code == 1
    key.write_bytes(os.urandom(32))
    assert (
        "was signed with ed25519" in piped("erase", "--verify", receipt, "--signing-key", key).err
    )


def test_bad_keys(store_url: str, options: list[str], key: Path) -> None:
    fill(store_url)
    elliptic = generate_private_key(SECP256R1())
    password = serialization.BestAvailableEncryption(b"secret")
    for content in (
        b"short",
        elliptic.private_bytes(PEM, PKCS8, PLAIN),
        Ed25519PrivateKey.generate().private_bytes(PEM, PKCS8, password),
        b"-----BEGIN PRIVATE KEY-----\nbroken",
    ):
        key.write_bytes(content)
        done = piped("erase", *options, store_url)
        assert (done.code, done.out) == (2, "")
        assert "openssl" in done.err
    key.unlink()
    assert piped("erase", *options, store_url).code == 2
    assert len(keys(store_url)) == 7


@pytest.mark.parametrize("missing", ["--owner", "--receipt", "--signing-key", "--yes"])
def test_missing_options(missing: str, store_url: str, options: list[str]) -> None:
    fill(store_url)
    index = options.index(missing)
    del options[index : index + (1 if missing == "--yes" else 2)]

    done = piped("erase", *options, store_url)

    assert (done.code, done.out) == (2, "")
    assert missing in done.err
    assert len(keys(store_url)) == 7


def test_it_asks(store_url: str, tmp_path: Path, options: list[str]) -> None:
    fill(store_url)

    terminal = Terminal("erase", *options[:-1], store_url, columns=200)
    terminal.wait_for("Erase 5 conversations with 10 messages of the owner u42 in SQLite file")
    terminal.send("n\n")

    assert terminal.end() == 1
    assert len(keys(store_url)) == 7
    assert list(tmp_path.glob("receipt*")) == []


def test_a_receipt_is_never_overwritten(store_url: str, tmp_path: Path, options: list[str]) -> None:
    fill(store_url)
    (tmp_path / "receipt.json").write_text("precious")

    done = piped("erase", *options, store_url)

    assert done.code == 2
    assert "exists already" in done.err
    assert len(keys(store_url)) == 7


def test_an_owner_without_conversations_gets_a_receipt(
    store_url: str, tmp_path: Path, options: list[str]
) -> None:
    fill(store_url, 0)

    succeeded("erase", *options, store_url)

    assert receipt_of(tmp_path)["erased"] == []


def test_damaged_conversations_are_erased(
    store_url: str, tmp_path: Path, options: list[str]
) -> None:
    fill(store_url)
    with sqlite3.connect(tmp_path / "chat.db") as connection:
        connection.execute("UPDATE chatstore_messages SET body = '{' WHERE body LIKE '%hi 2%'")
    connection.close()

    succeeded("erase", *options, store_url)

    damaged = {entry["key"]: entry["damaged"] for entry in receipt_of(tmp_path)["erased"]}
    assert damaged == {"chat/0": 0, "chat/1": 0, "chat/2": 0, "chat/3": 1, "chat/4": 1}
    assert keys(store_url) == ["nobody's", "other"]


# Ends its process, as SIGKILL from outside does, before or after the deletion number N.
KILLED = """
import os, signal, sys
from chatstore.cli.app import run
from chatstore.core import ChatStore

delete, calls = ChatStore.delete_messages, 0

def deleting(self, *arguments, **options):
    global calls
    calls += 1
    if calls == {number}:
        {after}delete(self, *arguments, **options)
        os.kill(os.getpid(), signal.SIGKILL)
    delete(self, *arguments, **options)

ChatStore.delete_messages = deleting
sys.exit(run(sys.argv[1:]))
"""


def killed(*arguments: str, number: int, before: bool) -> None:
    code = KILLED.format(number=number, after="0 and " if before else "")
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, check=False, timeout=60
    )
    assert done.returncode == -signal.SIGKILL, done


def test_a_killed_run_is_continued(
    each_store_url: str, tmp_path: Path, options: list[str], key: Path
) -> None:
    fill(each_store_url)
    with open_store(each_store_url) as store:
        before = fingerprint(store, owner="u42")

    killed("erase", *options, each_store_url, number=2, before=True)
    assert not (tmp_path / "receipt.json").exists()
    killed("erase", *options, each_store_url, number=2, before=False)
    with (tmp_path / "receipt.json.part").open("a") as journal:
        journal.write('{"key": "chat/')  # a line that was cut off
    succeeded("erase", *options, each_store_url)

    body = receipt_of(tmp_path)
    assert sorted(entry["key"] for entry in body["erased"]) == [f"chat/{n}" for n in range(5)]
    digests = sum(int(entry["sha256"], 16) for entry in body["erased"]) % 2**256
    assert f"{digests:064x}" == before.digest
    assert keys(each_store_url) == ["nobody's", "other"]
    assert succeeded("erase", "--verify", tmp_path / "receipt.json", "--signing-key", key)


def test_a_journal_of_another_erasure_is_refused(
    store_url: str, tmp_path: Path, options: list[str]
) -> None:
    fill(store_url)
    killed("erase", *options, store_url, number=1, before=True)

    done = piped("erase", *["u43" if option == "u42" else option for option in options], store_url)

    assert done.code == 2
    assert "another owner" in done.err
    assert "other" in keys(store_url)


def before_the_first_deletion(
    monkeypatch: pytest.MonkeyPatch, act: Callable[[ChatStore, str], object]
) -> list[str]:
    """Have a function called with the first conversation to delete; return a list of its key."""
    delete = ChatStore.delete_messages
    keys_before: list[str] = []

    def deleting(store: ChatStore, key: str, **expected: Any) -> None:
        if not keys_before:
            keys_before.append(key)
            act(store, key)
        delete(store, key, **expected)

    monkeypatch.setattr(ChatStore, "delete_messages", deleting)
    return keys_before


def test_what_is_written_during_the_run_is_erased_as_it_was_last(
    store_url: str, tmp_path: Path, options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store_url)

    def write(store: ChatStore, key: str) -> None:
        store.add_message(key, message("late"))
        store.create_conversation("chat/new", owner="u42")

    written = before_the_first_deletion(monkeypatch, write)
    succeeded("erase", *options, store_url)

    body = receipt_of(tmp_path)
    erased = {entry["key"]: entry["messages"] for entry in body["erased"]}
    assert len(body["erased"]) == len(erased) == 6
    assert erased["chat/new"] == 0
    assert erased[written[0]] == int(written[0][-1]) + 1
    assert keys(store_url) == ["nobody's", "other"]


def test_a_conversation_that_gets_another_owner_is_not_in_the_receipt(
    each_store_url: str, tmp_path: Path, options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(each_store_url)
    moved = before_the_first_deletion(
        monkeypatch, lambda store, key: store.update_conversation(key, owner="u43")
    )
    succeeded("erase", *options, each_store_url)

    erased = {entry["key"] for entry in receipt_of(tmp_path)["erased"]}
    assert erased == {f"chat/{number}" for number in range(5)} - {*moved}
    assert keys(each_store_url) == sorted([*moved, "nobody's", "other"])


def test_a_run_that_was_killed_at_its_first_line_is_continued(
    store_url: str, tmp_path: Path, options: list[str]
) -> None:
    fill(store_url)
    (tmp_path / "receipt.json.part").write_text('{"owner": "u4')
    killed("erase", *options, store_url, number=2, before=True)

    succeeded("erase", *options, store_url)

    assert receipt_of(tmp_path)["conversations"] == 5
