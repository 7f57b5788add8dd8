"""A server for tests that does not start says why; one that does not run is not selected."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from chatstore.redis_scripts.testing import find_redis_server, redis_server
from chatstore.redis_scripts.testing.servers import PortTakenError, free_port


def test_a_server_that_does_not_start_says_why() -> None:
    with pytest.raises(RuntimeError, match="nosuchoption"), redis_server("--nosuchoption", "1"):
        pass


def test_another_program_on_the_port_is_not_the_server() -> None:
    with (
        socket.create_server(("127.0.0.1", free_port())) as other,
        pytest.raises(PortTakenError, match="already in use"),
        redis_server(port=other.getsockname()[1]),
    ):
        pass


def test_a_binary_that_does_not_run_is_not_selected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "redis-server"
    broken.write_text("#!/bin/sh\necho libmissing.so: no such file >&2\nexit 127\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert find_redis_server() != str(broken)
    monkeypatch.setattr(
        "chatstore.redis_scripts.testing.servers.importlib.util.find_spec", lambda _: None
    )
    with pytest.raises(RuntimeError, match="libmissing"):
        find_redis_server()
