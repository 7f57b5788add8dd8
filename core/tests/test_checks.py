"""The checks of options refuse invalid values, and raise helpful errors."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chatstore.core import InvalidArgumentError
from chatstore.core.backend import check_max_connections, check_patience, check_timeout, check_ttl
from chatstore.core.backend.options import MAX_CONNECTIONS, MAX_SECONDS, MAX_TIMEOUT

NOT_NUMBERS = ["1", b"1", True, [], math.nan, math.inf, -math.inf, 2**63, 10**400, -1, {}]


@pytest.mark.parametrize("value", [*NOT_NUMBERS, 0, None, timedelta(1)], ids=repr)
@pytest.mark.parametrize("check", [check_timeout, check_max_connections])
def test_refused_options(check: Callable[[Any], Any], value: object) -> None:
    with pytest.raises(InvalidArgumentError, match=r"(timeout|max_connections) must be"):
        check(value)


@pytest.mark.parametrize("value", [*NOT_NUMBERS, 0, 1e-9, timedelta(1)], ids=repr)
def test_refused_ttl(value: object) -> None:
    with pytest.raises(InvalidArgumentError, match=r"ttl must be a number of seconds.* or None"):
        check_ttl(value)


@pytest.mark.parametrize("value", [*NOT_NUMBERS, None, timedelta(1)], ids=repr)
def test_refused_patience(value: object) -> None:
    with pytest.raises(InvalidArgumentError, match="patience must be"):
        check_patience(value)


def test_a_timedelta_is_refused_with_advice() -> None:
    with pytest.raises(InvalidArgumentError, match="total_seconds"):
        check_ttl(timedelta(days=1))


def test_values_that_could_be_secrets_are_not_shown() -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        check_timeout("hunter2")
    assert "hunter2" not in str(caught.value)


def test_accepted_options() -> None:
    assert check_ttl(None) is None
    assert [check_ttl(value) for value in (0.001, 1, MAX_SECONDS)] == [0.001, 1.0, MAX_SECONDS]
    assert [check_timeout(value) for value in (0.001, 5, MAX_TIMEOUT)] == [0.001, 5.0, MAX_TIMEOUT]
    assert [check_patience(value) for value in (0, 0.0, 3)] == [0.0, 0.0, 3.0]
    assert [check_max_connections(value) for value in (1, MAX_CONNECTIONS)] == [1, MAX_CONNECTIONS]
