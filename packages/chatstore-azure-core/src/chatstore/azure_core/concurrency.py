"""Independent requests at the same time, in the mode of a client."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, cast

from chatstore.azure_core.clients import is_async_client
from chatstore.core.backend import MaybeAwaitable

A = TypeVar("A")
T = TypeVar("T")


def concurrently(
    client: object, arguments: Sequence[A], request: Callable[[A], MaybeAwaitable[T]]
) -> MaybeAwaitable[list[T | Exception]]:
    """Carry out one request for each argument; return the results and errors in their order.

    Args:
        client: The client that carries them out. A sync client is used by as many threads at once.
        arguments: One for each request; the caller limits their number.
        request: Begins a request; with an async client, its result is awaited.

    """
    if is_async_client(client):
        return _gather([cast("Awaitable[T]", request(argument)) for argument in arguments])

    def attempt(argument: A) -> T | Exception:
        try:
            return cast("T", request(argument))
        except Exception as error:  # noqa: BLE001 - the caller decides
            return error

    if len(arguments) <= 1:
        return [attempt(argument) for argument in arguments]
    with ThreadPoolExecutor(len(arguments), "chatstore") as pool:
        return list(pool.map(attempt, arguments))


async def _gather(requests: Sequence[Awaitable[T]]) -> list[T | Exception]:
    import asyncio  # it is loaded if there is a loop

    results: list[T | Exception] = []
    for result in await asyncio.gather(*requests, return_exceptions=True):
        if isinstance(result, BaseException) and not isinstance(result, Exception):
            raise result  # such as a cancellation
        results.append(result)
    return results
