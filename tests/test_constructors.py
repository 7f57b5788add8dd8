"""All store classes have the same kind of constructor, and override no method of `ChatStore`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

import pytest
from every_store import ACCOUNT_KEY, CLASSES, SECRET, STORES

from chatstore.core import ChatStore, InvalidArgumentError, open_store
from chatstore.core.urls import GROUP

# The annotation of each option, where all stores have the same one, and its default: `None` leaves
# the option to the URL, and then to the store's default.
SECONDS = ("float | None", None)
VOCABULARY: dict[str, tuple[str | None, Any]] = {
    "client": (None, None),
    "async_client": (None, None),
    "ttl": SECONDS,
    "timeout": SECONDS,
    "patience": SECONDS,
    "max_connections": ("int | None", None),
    "create": ("bool | None", None),
}
NO_DRIVER = "conversations are in the process; there is no driver"
NO_SETUP = "there is nothing to create"
MISSING: dict[str, dict[str, str]] = {
    "memory": {
        "client": NO_DRIVER,
        "async_client": NO_DRIVER,
        "timeout": "nothing waits",
        "patience": "nothing is repeated",
        "max_connections": NO_DRIVER,
        "create": NO_SETUP,
    },
    "sqlite": {
        "client": "a connection belongs to one thread, so a store opens its own",
        "async_client": "sqlite3 has no async client",
        "patience": "`timeout` says how long to wait for other writers",
    },
    "redis": {"create": NO_SETUP},
    "upstash": {"create": NO_SETUP},
    "postgres": {},
    "dynamodb": {"async_client": "boto3 has no async client"},
    "azure": {},
    "cosmos": {},
}
# The first parameters, which may be given without their names.
LEADING: dict[str, list[str]] = {
    "memory": [],
    "sqlite": ["path"],
    "redis": ["redis_url"],
    "upstash": ["redis_url", "redis_token"],
    "postgres": ["uri"],
    "dynamodb": ["table_name", "profile_name"],
    "azure": ["chat_table_name"],
    "cosmos": ["endpoint", "credential"],
}
# What the URL itself says, so that `from_url` needs no option for it.
IN_THE_URL: dict[str, set[str]] = {
    "memory": set(),
    "sqlite": {"path"},
    "redis": {"redis_url"},
    "upstash": {"redis_url", "redis_token"},
    "postgres": {"uri"},
    "dynamodb": {"table_name"},
    "azure": {"chat_table_name", "account_name", "endpoint"},
    "cosmos": {"endpoint", "credential"},
}
# What a class may override of `ChatStore`, and why.
OVERRIDES = {
    "memory": {
        "__reduce__": "a pickle has the conversations: they exist nowhere else",
        "__copy__": "to be documented beside `__deepcopy__`",
        "__deepcopy__": "a copy has the conversations",
    }
}
NOT_METHODS = {"__init__", "__module__", "__doc__", "__qualname__", "__annotations__"}

each_store = pytest.mark.parametrize("name", CLASSES)


def parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return the parameters by name, without ``self`` and ``cls``."""
    signature = inspect.signature(function)
    return {name: item for name, item in signature.parameters.items() if name != "self"}


def public_callables(store_class: type[ChatStore]) -> dict[str, Callable[..., Any]]:
    """Return the public methods that a class adds to `ChatStore`, and its constructor."""
    names = {name for name in dir(store_class) if not name.startswith("_")} - set(dir(ChatStore))
    members = {name: getattr(store_class, name) for name in names | {"__init__"}}
    return {name: member for name, member in members.items() if callable(member)}


def test_all_classes_are_compared() -> None:
    opened_by_url = {entry.load().__self__ for entry in entry_points(group=GROUP)}
    assert opened_by_url == set(CLASSES.values())
    assert set(MISSING) == set(LEADING) == set(CLASSES) == set(STORES)


@each_store
@pytest.mark.parametrize("option", VOCABULARY)
def test_options_that_stores_have_in_common(name: str, option: str) -> None:
    options = parameters(CLASSES[name].__init__)
    if option in MISSING[name]:
        assert option not in options
        return
    kind, default = VOCABULARY[option]
    assert option in options, f"{CLASSES[name].__name__} has no option {option}"
    assert options[option].kind is inspect.Parameter.KEYWORD_ONLY
    assert options[option].default == default
    assert kind in {None, options[option].annotation}


@each_store
def test_only_the_leading_parameters_are_positional(name: str) -> None:
    positional = [
        item.name
        for item in parameters(CLASSES[name].__init__).values()
        if item.kind is not inspect.Parameter.KEYWORD_ONLY
    ]
    assert positional == LEADING[name]


@each_store
def test_from_url_has_every_option_of_the_constructor(name: str) -> None:
    store_class = CLASSES[name]
    constructor, from_url = parameters(store_class.__init__), parameters(store_class.from_url)  # type: ignore[attr-defined]
    assert next(iter(from_url)) == "url"
    options = {key: item for key, item in from_url.items() if key != "url"}
    assert {item.kind for item in options.values()} == {inspect.Parameter.KEYWORD_ONLY}
    assert set(options) == set(constructor) - IN_THE_URL[name]
    for key, item in options.items():
        assert item.annotation == constructor[key].annotation, key
        assert item.default == constructor[key].default, key


@each_store
def test_all_options_are_spelled_out(name: str) -> None:
    for function_name, function in public_callables(CLASSES[name]).items():
        kinds = {item.kind for item in parameters(function).values()}
        assert not kinds & {inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}, (
            f"{CLASSES[name].__name__}.{function_name} has **options or *args"
        )


@each_store
def test_no_class_overrides_a_method(name: str) -> None:
    store_class = CLASSES[name]
    assert store_class.__bases__ == (ChatStore,)
    overridden = set(vars(store_class)) & {
        member for base in ChatStore.__mro__[:-1] for member in vars(base)
    }
    assert overridden - NOT_METHODS == set(OVERRIDES.get(name, {}))


@each_store
def test_options_by_keyword_are_documented(name: str) -> None:
    for function in (CLASSES[name].__init__, CLASSES[name].from_url):  # type: ignore[attr-defined]
        doc = inspect.getdoc(function) or ""
        assert "Args:" in doc
        assert "Raises:" in doc
    doc = inspect.getdoc(CLASSES[name].__init__) or ""
    undocumented = [key for key in parameters(CLASSES[name].__init__) if f"{key}:" not in doc]
    assert undocumented == []


@pytest.mark.parametrize("entry", entry_points(group=GROUP), ids=lambda entry: entry.name)
def test_open_store_names_the_options(entry: Any) -> None:
    options = [key for key in parameters(entry.load()) if key != "url"]
    with pytest.raises(InvalidArgumentError, match="unknown option 'tll'") as caught:
        open_store(f"{entry.name}://", tll=60)
    assert str(caught.value).endswith(f"known options: {', '.join(sorted(options))}")


@each_store
def test_repr_says_class_server_and_state(name: str) -> None:
    store = STORES[name]()
    assert repr(store) == f"<{type(store).__name__}: {store.server}, open>"
    store.close()
    assert repr(store) == f"<{type(store).__name__}: {store.server}, closed>"
    for secret in (SECRET, ACCOUNT_KEY):
        assert secret not in repr(store)
