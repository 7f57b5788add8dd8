"""The double behaves like Upstash's documentation of the REST API."""

from __future__ import annotations

import base64
import http.client
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from upstash_double import LOST_REPLY, LOST_REQUEST, Fault, UpstashDouble

STANDARD = object()


class Caller:
    """Makes requests on one persistent connection."""

    def __init__(self, double: UpstashDouble) -> None:
        self.double = double
        self.connection = http.client.HTTPConnection("127.0.0.1", double.port, timeout=60)

    def __call__(
        self,
        body: Any = None,
        path: str = "/",
        method: str = "POST",
        token: Any = STANDARD,
        **headers: Any,
    ) -> Any:
        if token is STANDARD:
            token = self.double.token
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if body is None or isinstance(body, (bytes, str)) else json.dumps(body)
        self.connection.request(method, path, data, headers)
        self.response = self.connection.getresponse()
        text = self.response.read()
        return self.response.status, json.loads(text) if text else None


@pytest.fixture
def ask(double: UpstashDouble) -> Iterator[Caller]:
    caller = Caller(double)
    yield caller
    caller.connection.close()


def test_results_are_of_rediss_types(ask: Caller) -> None:
    assert ask(["SET", "k", "v"]) == (200, {"result": "OK"})
    assert ask(["GET", "k"]) == (200, {"result": "v"})
    assert ask(["GET", "none"]) == (200, {"result": None})
    assert ask(["RPUSH", "l", "a", 1, 2.5]) == (200, {"result": 3})
    assert ask(["LRANGE", "l", 0, -1]) == (200, {"result": ["a", "1", "2.5"]})
    assert ask(["EVAL", "return {1, {ARGV[1], false}}", 0, "x"]) == (
        200,
        {"result": [1, ["x", None]]},
    )


def test_command_as_path(ask: Caller) -> None:
    assert ask(None, "/set/foo/bar%2Fbaz", "GET") == (200, {"result": "OK"})
    assert ask(None, "/get/foo", "GET") == (200, {"result": "bar/baz"})
    assert ask('{"a":1}', "/set/foo?EX=100") == (200, {"result": "OK"})
    assert ask(["TTL", "foo"])[1]["result"] in {99, 100}
    assert ask(None, "/get/foo", "HEAD") == (200, None)


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_not_allowed(ask: Caller, method: str) -> None:
    assert ask(None, "/", method)[0] == 405


@pytest.mark.parametrize("token", [None, "", "wrong"])
def test_wrong_token(ask: Caller, token: Any) -> None:
    refusal = (401, {"error": "WRONGPASS invalid or missing auth token"})
    for path in ("/", "/pipeline", "/multi-exec"):
        assert ask([["PING"]], path, token=token) == refusal
    assert ask(["GET", "k"])[0] == 200


def test_token_in_the_url(ask: Caller, double: UpstashDouble) -> None:
    assert ask(["PING"], f"/?_token={double.token}", token=None) == (200, {"result": "PONG"})
    assert ask(None, f"/echo/x?_token={double.token}", token=None) == (200, {"result": "x"})


def test_reading_token(ask: Caller, double: UpstashDouble) -> None:
    ask(["SET", "k", "v"])
    assert ask(["GET", "k"], token=double.reading_token) == (200, {"result": "v"})
    for command in (["SET", "k", "w"], ["SCAN", 0], ["KEYS", "*"], ["EVAL", "return 1", 0]):
        status, answer = ask(command, token=double.reading_token)
        assert (status, answer["error"].split()[0]) == (400, "NOPERM")


def test_base64(ask: Caller) -> None:
    def encoded(text: bytes) -> str:
        return base64.b64encode(text).decode()

    headers = {"Upstash_Encoding": "base64"}
    assert ask(["SET", "k", "\0é"], **headers) == (200, {"result": "OK"})
    assert ask(["GET", "k"], **headers) == (200, {"result": encoded("\0é".encode())})
    assert ask(["PING"], **headers) == (200, {"result": encoded(b"PONG")})
    assert ask(["ECHO", "OK"], **headers) == (200, {"result": encoded(b"OK")})
    script = "return {'a', {'b', 1}, false}"
    expected = [encoded(b"a"), [encoded(b"b"), 1], None]
    assert ask(["EVAL", script, 0], **headers) == (200, {"result": expected})
    assert ask(["NONSENSE"], **headers)[1]["error"].startswith("ERR unknown command")


def test_bytes_that_are_not_text_are_replaced(ask: Caller) -> None:
    ask(b"a\xff", "/set/k")
    assert ask(["GET", "k"]) == (200, {"result": "a�"})
    encoded = base64.b64encode(b"a\xff").decode()
    assert ask(["GET", "k"], Upstash_Encoding="base64") == (200, {"result": encoded})


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"{}", b"[]", b"[1]", b'["GET", null]', b'["GET", ["a"]]', b'["GET", true]',
     b'["GET", "\\ud800"]', b'["GET"]', b'["NONSENSE"]', b'["SUBSCRIBE", "a"]', b'["WATCH", "k"]',
     b'["CONFIG", "GET", "*"]', b'["BLPOP", "l", 0]', b'["XREAD", "block", 0, "STREAMS", "s", 0]'],
)  # fmt: skip
def test_what_is_refused(ask: Caller, body: str) -> None:
    status, answer = ask(body)
    assert (status, list(answer)) == (400, ["error"])
    assert ask(["PING"]) == (200, {"result": "PONG"})


def test_pipeline_answers_each_command(ask: Caller) -> None:
    rows = [["SET", "k", "x"], ["INCR", "k"], ["WATCH", "k"], ["GET", "k"]]
    status, answers = ask(rows, "/pipeline")
    assert status == 200
    assert [list(answer) for answer in answers] == [["result"], ["error"], ["error"], ["result"]]
    assert answers[3] == {"result": "x"}
    assert ask([], "/pipeline")[0] == 400


def test_pipeline_is_carried_out_in_order(ask: Caller) -> None:
    rows = [["RPUSH", "l", number] for number in range(100)]
    assert ask(rows, "/pipeline") == (200, [{"result": number + 1} for number in range(100)])
    assert ask(["LRANGE", "l", 0, -1])[1]["result"] == [str(number) for number in range(100)]


def test_commands_of_others_come_between_those_of_a_pipeline(
    ask: Caller, double: UpstashDouble
) -> None:
    other = Caller(double)
    double.between = lambda: other(["SET", "k", "other"])
    rows = [["SET", "k", "mine"], ["GET", "k"]]
    assert ask(rows, "/pipeline") == (200, [{"result": "OK"}, {"result": "other"}])
    other.connection.close()


def test_pipeline_with_the_reading_token_refuses_each_write(
    ask: Caller, double: UpstashDouble
) -> None:
    rows = [["SET", "k", "v"], ["GET", "k"]]
    status, answers = ask(rows, "/pipeline", token=double.reading_token)
    assert status == 200
    assert answers[0]["error"].startswith("NOPERM")
    assert answers[1] == {"result": None}


@pytest.mark.parametrize("row", [3, "PING", [], [1], {"a": "b"}, ["GET", None]])
def test_pipeline_with_a_row_that_is_no_command_is_refused(ask: Caller, row: Any) -> None:
    status, answer = ask([["SET", "k", "x"], row], "/pipeline")
    assert (status, list(answer)) == (400, ["error"])
    assert ask(["GET", "k"]) == (200, {"result": None})


def test_transaction_carries_on_after_an_error(ask: Caller) -> None:
    rows = [["SET", "k", "x"], ["INCR", "k"], ["GET", "k"]]
    status, answers = ask(rows, "/multi-exec", Upstash_Encoding="base64")
    assert status == 200
    assert [list(answer) for answer in answers] == [["result"], ["error"], ["result"]]
    assert answers[0] == {"result": "OK"}


@pytest.mark.parametrize("bad", [["GET"], ["NONSENSE"], ["WATCH", "k"]])
def test_transaction_is_discarded_as_a_whole(ask: Caller, bad: list[str]) -> None:
    status, answer = ask([["SET", "k", "x"], bad], "/multi-exec")
    assert (status, list(answer)) == (400, ["error"])
    assert ask([["GET", "k"]], "/multi-exec") == (200, [{"result": None}])


def test_sizes_of_requests_and_replies(ask: Caller, double: UpstashDouble) -> None:
    double.max_size = 1000
    text = "ERR max request size exceeded. Limit: 1000 bytes, Actual: {} bytes."
    status, answer = ask(["SET", "k", "x" * 1000])
    assert status == 400
    assert answer["error"].startswith(text.format(1016))
    assert ask([["SET", "k", "x" * 1000]], "/multi-exec")[0] == 400
    for _ in range(2):
        assert ask(["APPEND", "k", "x" * 600])[0] == 200
    status, answer = ask(["GET", "k"])
    assert status == 400
    assert answer["error"].startswith(text.format(1200))
    assert ask(["STRLEN", "k"]) == (200, {"result": 1200})
    rows = [["SET", "half", "x" * 600], ["GET", "half"], ["GET", "half"]]
    status, answer = ask(rows, "/pipeline")
    assert status == 400
    assert answer["error"].startswith(text.format(1202))
    assert ask(["STRLEN", "half"]) == (200, {"result": 600})


def test_scripts_by_their_hash(ask: Caller) -> None:
    hash_of_it = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"  # of "return 1"
    ask(["SCRIPT", "FLUSH"])
    status, answer = ask(["EVALSHA", hash_of_it, 0])
    assert status == 400
    assert answer["error"].startswith("NOSCRIPT")
    assert ask(["EVAL", "return 1", 0]) == (200, {"result": 1})
    assert ask(["EVALSHA", hash_of_it, 0]) == (200, {"result": 1})


def test_sync_tokens_are_given_and_noted(ask: Caller, double: UpstashDouble) -> None:
    ask(["SET", "k", "v"])
    token = ask.response.headers["Upstash-Sync-Token"]
    assert token
    ask(["GET", "k"], Upstash_Sync_Token=token)
    assert [request.sync_token for request in double.requests] == [None, token]


def test_requests_are_counted(ask: Caller, double: UpstashDouble) -> None:
    ask(["get", "k"])
    ask([["PING"], ["ECHO", "x"]], "/pipeline")
    assert [(request.number, request.path, request.commands) for request in double.requests] == [
        (0, "/", ("GET",)),
        (1, "/pipeline", ("PING", "ECHO")),
    ]


@pytest.mark.parametrize(
    ("fault", "left"), [(LOST_REPLY, 1), (LOST_REQUEST, 0), (Fault(sent=0.5), 1)]
)
def test_dropped_connections(ask: Caller, double: UpstashDouble, fault: Fault, left: int) -> None:
    double.fault = lambda request: fault if request.number == 0 else None
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        ask(["RPUSH", "l", "a"])
    ask.connection.close()
    assert ask(["LLEN", "l"]) == (200, {"result": left})


def test_answers_of_something_else(ask: Caller, double: UpstashDouble) -> None:
    double.fault = lambda _: Fault(acts=False, answer=(502, b'"Bad gateway"'))
    assert ask(["SET", "k", "v"]) == (502, "Bad gateway")
    double.fault = lambda _: None
    assert ask(["GET", "k"]) == (200, {"result": None})


def test_delay_holds_back_only_its_own_request(ask: Caller, double: UpstashDouble) -> None:
    double.fault = lambda request: Fault(delay=60) if request.commands == ("PING",) else None
    slow = Caller(double)
    answers = []

    def call_slowly() -> None:
        try:
            answers.append(slow(["PING"]))
        except (http.client.HTTPException, ConnectionError) as error:
            answers.append(error)

    thread = threading.Thread(target=call_slowly)
    thread.start()
    while not double.requests:
        time.sleep(0.001)
    assert ask(["ECHO", "x"]) == (200, {"result": "x"})
    assert answers == []
    double.close()  # ends the delay
    thread.join(60)
    slow.connection.close()
    assert len(answers) == 1


def test_one_connection_serves_many_requests(ask: Caller, double: UpstashDouble) -> None:
    ask(["PING"])
    first = ask.connection.sock
    for _ in range(50):
        ask(["INCR", "n"])
    assert ask.connection.sock is first
    assert ask(["GET", "n"]) == (200, {"result": "50"})


def test_threads_are_served_at_once(double: UpstashDouble) -> None:
    def count() -> None:
        caller = Caller(double)
        for _ in range(25):
            caller(["INCR", "n"])
        caller.connection.close()

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    caller = Caller(double)
    assert caller(["GET", "n"]) == (200, {"result": "200"})
    caller.connection.close()
