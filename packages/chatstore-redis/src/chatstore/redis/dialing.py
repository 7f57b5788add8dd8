"""Opening asyncio connections: the transport, TLS, and the login."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import redis

from chatstore.redis.address import Address
from chatstore.redis.errors import TLS_TIMEOUT
from chatstore.redis.keepalive import KEEPALIVE_OPTIONS
from chatstore.redis.packing import packed
from chatstore.redis.protocol import RedisProtocol
from chatstore.redis_scripts import Attempt, Command


async def dial(address: Address, timeout: float) -> RedisProtocol:
    """Connect and log in.

    Args:
        address: The server.
        timeout: Seconds to wait for the connection, and for each reply on it.

    Raises:
        redis.RedisError: The server cannot be reached, or refuses the login.
        OSError: The server cannot be reached.

    """
    try:
        protocol = await asyncio.wait_for(_connect(address, timeout), timeout)
    except asyncio.TimeoutError as error:
        raise redis.TimeoutError(TLS_TIMEOUT if address.has_tls else "") from error
    replies = [protocol.submit(packed(command), Attempt()) for command in _login(address)]
    try:
        for reply in replies:
            await reply
    except BaseException:
        protocol.abort()
        await asyncio.gather(*replies, return_exceptions=True)
        raise
    return protocol


async def _connect(address: Address, timeout: float) -> RedisProtocol:
    loop = asyncio.get_running_loop()
    options = address.connection

    def make() -> RedisProtocol:
        return RedisProtocol(timeout)

    if address.is_socket:
        _, protocol = await loop.create_unix_connection(make, options["path"])
        return protocol
    host = options["host"]
    context = _tls_context(options) if address.has_tls else None
    name = host if address.has_tls else None
    transport, protocol = await loop.create_connection(
        make, host, options["port"], ssl=context, server_hostname=name
    )
    if options.get("socket_keepalive", True):
        _keep_alive(transport.get_extra_info("socket"))
    return protocol


def _keep_alive(connection: Any) -> None:
    """Let the system find out when a firewall has dropped the connection."""
    with suppress(OSError):  # a system may know the options and refuse them
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in KEEPALIVE_OPTIONS.items():
            connection.setsockopt(socket.IPPROTO_TCP, option, value)


def _tls_context(options: Mapping[str, Any]) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if options.get("ssl_ca_certs"):  # in addition to the system's, as redis-py does
        context.load_verify_locations(options["ssl_ca_certs"])
    context.check_hostname = options["ssl_check_hostname"]
    if options["ssl_cert_reqs"] == "none":
        context.verify_mode = ssl.CERT_NONE
    if options.get("ssl_certfile"):
        context.load_cert_chain(options["ssl_certfile"], options["ssl_keyfile"])
    return context


def _login(address: Address) -> list[Command]:
    options = address.connection
    username, password = options.get("username"), options.get("password", "")
    commands: list[Command] = []
    if username:
        commands.append(["AUTH", username, password])
    elif password:
        commands.append(["AUTH", password])
    if options.get("client_name"):
        commands.append(["CLIENT", "SETNAME", options["client_name"]])
    if options.get("db"):
        commands.append(["SELECT", str(options["db"])])
    return commands
