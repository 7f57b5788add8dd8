"""What media do, in every kind of folder."""

from __future__ import annotations

import asyncio
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from media_stores import base64_of, content, photo, store_over

from chatstore.core import ChatStore, InvalidArgumentError, StoreSetupError
from chatstore.core.simple import MemoryBackend
from chatstore.media import (
    Collected,
    DamagedMediaError,
    MediaFolder,
    MissingMediaError,
    async_collect,
    collect,
)

MakeFolder = Callable[..., MediaFolder]
NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def path_of(folder: MediaFolder) -> str:
    [name] = folder.objects.list_all("objects")
    return f"objects/{name[:2]}/{name}"


def test_media_are_stored_once_and_read_back(make_folder: MakeFolder) -> None:
    backend, folder = MemoryBackend(), make_folder()
    store = store_over(backend, folder)
    asyncio.run(store.async_check())
    assert not folder.objects.list_all("checks")
    data = content(300_000)
    message = photo(data, id="a")
    store.add_message("k", message)
    asyncio.run(store.async_add_messages("k", [message, photo(data, id="b", text="Again:")]))
    [stored] = folder.objects.list_all("objects").values()
    assert stored.size == len(data)
    assert base64_of(data)[:100] not in backend.dump()
    expected = [message, photo(data, id="b", text="Again:")]
    assert store.get_messages("k") == expected
    assert asyncio.run(store.async_get_messages("k", last=2)) == expected


def test_missing_and_changed_objects_raise(make_folder: MakeFolder) -> None:
    backend, folder = MemoryBackend(), make_folder()
    store = store_over(backend, folder)
    store.add_messages("k", [photo(content(), id="a"), photo(content(), id="b")])
    path = path_of(folder)
    folder.objects.write(path, b"changed")
    with pytest.raises(DamagedMediaError, match=path.rpartition("/")[2]):
        store.get_messages("k")
    folder.objects.delete(path)
    for call in (
        lambda: store.get_messages("k", last=1),
        lambda: asyncio.run(store.async_get_messages("k")),
        lambda: list(store.iter_messages("k", on_corrupt="skip")),
        lambda: store.get_message("k", "a"),
        lambda: store.remove_message("k", "a"),
        lambda: store.fork("k", "new"),
    ):
        with pytest.raises(MissingMediaError, match=path.rpartition("/")[2]) as error:
            call()
        assert error.value.name == path.rpartition("/")[2]
    assert store.count_messages("k") == 2
    store.put_message("k", photo(content(), id="a"))  # uploads it again
    assert store.get_messages("k") == [photo(content())] * 2
    folder.objects.delete(path)
    assert store.delete_message("k", 0, force=True) is None
    assert store.count_messages("k") == 1


def test_references_and_signed_urls(make_folder: MakeFolder) -> None:
    backend, folder = MemoryBackend(), make_folder()
    store, data = store_over(backend, folder), content()
    store.add_message("k", photo(data, id="a"))
    references = store_over(backend, folder, read="references")
    block = read_block(references)
    assert block["url"].endswith(path_of(folder))
    assert "data" not in block
    assert block["media_type"] == "image/png"
    references.check()
    for view in (references, store_over(backend, folder, read="urls")):
        for write in (view.add_message, view.put_message):
            with pytest.raises(InvalidArgumentError, match="read='content'"):
                write("k", photo(data, id="a"))
        view.update_conversation("k", title="allowed")
    with pytest.raises(InvalidArgumentError, match="read='content'"):
        references.fork("k", "new")
    assert store.get_messages("k") == [photo(data)]


def read_block(store: ChatStore) -> dict[str, Any]:
    [message] = store.get_messages("k")
    assert isinstance(message.content, list)
    return message.content[1].model_dump(exclude_none=True)


@pytest.mark.parametrize("kind", ["s3", "azure"])
def test_signed_urls_lead_to_the_content(kind: str, request: pytest.FixtureRequest) -> None:
    backend, folder = MemoryBackend(), request.getfixturevalue(f"{kind}_folder")()
    store_over(backend, folder).add_message("k", photo(content()))
    view = store_over(backend, folder, read="urls", url_seconds=600)
    url = read_block(view)["url"]
    assert url.startswith("http://127.0.0.1:")
    with NO_PROXY.open(url, timeout=60) as answer:
        assert answer.read() == content()


def test_a_disk_cannot_sign(disk_folder: MakeFolder) -> None:
    backend, folder = MemoryBackend(), disk_folder()
    store_over(backend, folder).add_message("k", photo(content()))
    with pytest.raises(StoreSetupError, match="cannot sign"):
        store_over(backend, folder, read="urls").get_messages("k")


def test_collections_delete_what_no_message_refers_to(make_folder: MakeFolder) -> None:
    folder = make_folder(grace=0.001)  # seconds; nothing is written meanwhile
    store = store_over(MemoryBackend(), folder)
    store.add_messages("a", [photo(content(seed=n)) for n in range(3)])
    store.add_messages("b", [photo(content(seed=n)) for n in range(2)])
    store.delete_messages("a")
    total = Collected(3, 2, 0, 0, 0)
    collections: list[Callable[[], Collected]] = [
        lambda: collect(store),
        lambda: asyncio.run(async_collect(store)),
    ]
    deadline = time.monotonic() + 60
    while not total.deleted:  # clocks of servers count seconds
        assert time.monotonic() < deadline
        for run in collections:
            done = run()
            assert done.referenced == 2
            total = Collected(3, 2, *(a + b for a, b in zip(total[2:], done[2:], strict=True)))
    assert total == Collected(3, 2, condemned=1, spared=0, deleted=1)
    assert len(folder.objects.list_all("objects")) == 2
    assert not folder.objects.list_all("condemned")
    assert store.get_messages("b") == [photo(content(seed=n)) for n in range(2)]
