"""Copying and pickling of stores and backends."""

from __future__ import annotations

from typing import Any

from typing_extensions import Self


class Copyable:
    """Pickles as its class and constructor arguments; copies are the object itself."""

    _constructed_with: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Remember the arguments."""
        self = super().__new__(cls)
        self._constructed_with = (args, kwargs)
        return self

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments of the constructor."""
        return self._constructed_with

    def __reduce__(self) -> Any:
        """Pickle the class and the arguments: unpickling opens the same database again.

        Raises:
            TypeError: An argument is a client or function that cannot be pickled.

        """
        args, kwargs = self._constructed_with
        named = [*((f"argument {n + 1}", value) for n, value in enumerate(args)), *kwargs.items()]
        refused = next((item for item in named if not _can_be_pickled(item[1])), None)
        if refused is None:
            return _construct, (type(self), args, kwargs)
        raise TypeError(
            f"this {type(self).__name__} cannot be pickled, because {refused[0]} (of type "
            f"{type(refused[1]).__name__}) cannot: construct the store from a URL or a path instead"
        )

    def __copy__(self) -> Self:
        """Return the object itself: a copy would share its database anyway."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return the object itself, as `__copy__` does."""
        return self


def _can_be_pickled(value: object) -> bool:
    import pickle  # most programs never load it

    try:
        pickle.dumps(value)
    except Exception:  # noqa: BLE001 - pickling raises whatever the value's class raises
        return False
    return True


def _construct(kind: type[Copyable], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Copyable:
    return kind(*args, **kwargs)
