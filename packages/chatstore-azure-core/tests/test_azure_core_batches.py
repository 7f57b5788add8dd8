"""Operations are distributed over as few batches as their limits permit, in order."""

from __future__ import annotations

import pytest

from chatstore.azure_core.batches import BatchLimits, packed

LIMITS = BatchLimits(operations=3, size=100, frame=10)


@pytest.mark.parametrize(
    ("sizes", "batches"),
    [
        ([], []),
        ([1, 1, 1], [[1, 1, 1]]),
        ([1, 1, 1, 1], [[1, 1, 1], [1]]),
        ([45, 45], [[45, 45]]),
        ([45, 46], [[45], [46]]),
        ([90, 1, 89], [[90], [1, 89]]),
        ([1, 500, 1], [[1], [500], [1]]),
    ],
)
def test_batches_are_full_but_not_too_large(sizes: list[int], batches: list[list[int]]) -> None:
    assert list(packed(iter(sizes), lambda size: size, LIMITS)) == batches
