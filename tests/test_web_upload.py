"""Uploads beyond the limits: the visitor hears why, and nobody holds up the others."""

import select
import socket
import sys
import time

import pytest
from flask import Flask
from web_client import SECONDS, Client
from web_played import until

from celestial.web import serving
from celestial.web.safety import Limits

HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
TOO_LONG = HEAD + b"Content-Length: 10000000\r\n"
PART = b"x" * 100_000


@pytest.fixture
def server(monkeypatch):
    """Return a function that starts a server in this process, with limits of its own."""
    started = []

    def start(prefix=None, **limits):
        for name, value in limits.items():
            monkeypatch.setattr(serving, name, value)
        app = Flask("test")
        app.add_url_rule("/", view_func=lambda: "up")
        started.append(serving.Server(app, "127.0.0.1", 0, Limits(megabytes=1), prefix))
        return started[-1]

    yield start
    for one in started:
        one.close()


def connect(server, address: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS,
                                    source_address=(address, 0))


def is_up(server, address: str = "127.0.0.1") -> bool:
    return Client(server.port, source=address).send("GET", "/").body == b"up"


def read_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(("head", "more", "status", "reason"), [
    (TOO_LONG + b"\r\n", PART * 99, b"413", b"a request may have 1 MiB"),
    (TOO_LONG + b"\r\n" + b"--x\r\nA: b\r\n\r\n" * 6000, PART * 99, b"413", b"may have 1 MiB"),
    (HEAD + b"Transfer-Encoding: chunked\r\n\r\n200000\r\n" + b"x" * (1 << 20), PART * 99, b"413",
     b"a request may have 1 MiB"),
    (HEAD + b"X: " + PART, PART * 99, b"431", b"exceeds max_header")])
def test_who_sends_too_much_hears_it_when_he_is_done(server, head, more, status, reason):
    """He goes on after the answer has come, as browsers and most clients do."""
    running = server()
    with connect(running) as connection:
        connection.sendall(head)
        assert select.select([connection], [], [], SECONDS)[0], "there is an answer"
        connection.sendall(more)
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 " + status) or answer.startswith(b"HTTP/1.0 " + status)
    assert reason in answer
    until(lambda: not running.server.active_channels)
    assert is_up(running)


def test_a_whole_upload_over_the_limit_gets_413(server):
    client = Client(server().port)
    for _ in range(20):
        assert client.send("POST", "/", b"x" * 3_000_000).status == 413


def test_who_asks_first_is_refused_before_the_body(server):
    with connect(server()) as connection:
        connection.sendall(TOO_LONG + b"Expect: 100-continue\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 413")
    with connect(server()) as connection:
        connection.sendall(HEAD + b"Content-Length: 1\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 100")


@pytest.mark.parametrize(("limits", "head"), [
    ({"SECONDS_ARRIVING": 1}, HEAD + b"Content-Length: 1000000\r\n\r\n"),
    ({"MOST_HELD": 300_000}, HEAD + b"Content-Length: 1000000\r\n\r\n"),
    ({"SECONDS_ARRIVING": 1}, TOO_LONG + b"\r\n"),
    ({"MOST_PASSED_OVER": 300_000}, TOO_LONG + b"\r\n")])
def test_who_sends_for_too_long_or_too_much_is_dropped(server, limits, head):
    running = server(**limits)
    part, pause = (b"x", 0.1) if "SECONDS_ARRIVING" in limits else (PART, 0)
    with connect(running) as connection:
        connection.sendall(head)
        with pytest.raises(ConnectionError):
            for _ in range(1000):
                connection.sendall(part)
                time.sleep(pause)
    assert is_up(running)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.2 is not this machine")
def test_one_client_holds_half_of_the_memory_and_of_the_connections(server):
    running = server(MOST_HELD=1_000_000, CONNECTIONS=16)
    with connect(running, "127.0.0.2") as large:
        large.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n" + PART)
        with pytest.raises(ConnectionError):
            for _ in range(1000):
                large.sendall(PART)
    idle = [connect(running, "127.0.0.2") for _ in range(12)]
    for refused in idle[8:]:
        assert refused.recv(1) == b""
    assert is_up(running)
    for one in idle:
        one.close()


def test_a_proxy_is_no_single_client(server):
    running = server(prefix="", CONNECTIONS=16)
    idle = [connect(running) for _ in range(10)]
    assert is_up(running)
    for one in idle:
        one.close()


def test_who_asks_on_and_on_and_reads_no_answer_is_dropped(server):
    """Unread answers filled the memory, and 72 such clients held all threads."""
    running = server()
    page = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with connect(running) as patient, connect(running) as deaf:
        patient.sendall(page * 3)
        until(lambda: patient.recv(1 << 20, socket.MSG_PEEK).count(b"HTTP/1.1 200") == 3)
        deaf.sendall(page * 1000)
        until(lambda: len(running.server.active_channels) == 1)
    assert is_up(running)
