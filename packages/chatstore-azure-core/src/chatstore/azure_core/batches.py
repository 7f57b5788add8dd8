"""Distributes operations over batches that a service accepts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class BatchLimits(NamedTuple):
    """What a service accepts as one batch.

    Attributes:
        operations: The most operations.
        size: The most bytes of a request.
        frame: Bytes of a request without operations.

    """

    operations: int
    size: int
    frame: int


def packed(
    operations: Iterable[T], size_of: Callable[[T], int], limits: BatchLimits
) -> Iterator[list[T]]:
    """Distribute operations over as few batches as possible, in order.

    Args:
        operations: The operations. One that is too large for any batch is a batch by itself.
        size_of: Returns the bytes of an operation in a request.
        limits: What the service accepts.

    """
    batch: list[T] = []
    size = limits.frame
    for operation in operations:
        more = size_of(operation)
        if batch and (len(batch) == limits.operations or size + more > limits.size):
            yield batch
            batch, size = [], limits.frame
        batch.append(operation)
        size += more
    if batch:
        yield batch
