"""Serves with waitress, and answers every accepted request before it ends."""

import contextlib
import socket
import threading
import time

from flask import Flask
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import create_server
from waitress.utilities import RequestEntityTooLarge

from celestial.web.hosts import visitor_of
from celestial.web.safety import Limits

SPARE = 8  # threads beside those that answer: pages, refusals
SECONDS_SILENT = 30  # after which a client that sends nothing is dropped
SECONDS_ARRIVING = 120  # after which a client is dropped that sends its request too slowly
MOST_HELD = 1 << 30  # bytes of unanswered requests in memory; a client that sends more is dropped
MOST_AHEAD = 8  # requests that a client may send before it has read the first one's answer
MOST_PASSED_OVER = 1 << 30  # bytes that a client may still send after it was refused
RECEIVED_AT_ONCE = 1 << 17  # bytes
LAST_ANSWERS = 30  # seconds that accepted requests have at the end
CONNECTIONS = 500
MOST_HEADER_BYTES = 32_768  # bytes of a request's headers


class Parser(HTTPRequestParser):
    """Parses a request as it arrives; a client whose request is refused is not asked to go on."""

    def received(self, data: bytes) -> int:
        """Take what came, as waitress does."""
        taken = super().received(data)
        if self.error:
            self.expect_continue = False  # waitress would ask for the body and take all of it
            taken = len(data)  # else what follows is taken for more requests
        if isinstance(self.error, RequestEntityTooLarge):
            most = self.adj.max_request_body_size >> 20
            self.error.body = f"a request may have {most} MiB; send fewer or smaller files at once"
        return taken


class Channel(HTTPChannel):
    """A connection; it ends if its requests arrive too slowly or need too much memory.

    A client whose request is refused before all of it has come may go on sending. The connection
    then stays open, within limits: closed with bytes unread, the client's system would throw the
    answer away (RFC 9112, section 9.6), and the visitor would see a reset instead of the reason.
    """

    parser_class = Parser
    visitor = ""
    held = 0  # bytes that came and are not answered yet
    arriving_since = 0.0
    refused = False
    passed_over = 0  # bytes that came after the refusal and are thrown away
    answered = False  # true once nothing more will be sent

    def __init__(self, server: object, connection: socket.socket, address: tuple, *others: object,
                 **options: object):
        """Begin with a client, unless it has as many connections as one client may."""
        super().__init__(server, connection, address, *others, **options)
        self.visitor = visitor_of(address[0])
        self.will_close = len(self._own()) > CONNECTIONS * server.proportion_each

    def _own(self) -> list["Channel"]:
        """Return all connections of this client."""
        return [channel for channel in self.server.active_channels.values()
                if channel.visitor == self.visitor]

    def received(self, data: bytes) -> bool:
        """Take what came, as waitress does, within the limits."""
        now = time.monotonic()
        if self.request is None and not self.refused:
            self.arriving_since = now
        if self.refused:
            self.passed_over += len(data)
        else:
            self.held += len(data)
        if now - self.arriving_since > SECONDS_ARRIVING or self._is_too_much():
            self.answered = True
            self.handle_close()
            return False
        for first in range(0, len(data), MOST_HEADER_BYTES):
            if any(request.error for request in list(self.requests)) or self.refused:
                break
            super().received(data[first:first + MOST_HEADER_BYTES])
            if len(self.requests) > MOST_AHEAD:  # unread answers would fill memory and threads
                self.handle_close()
                return False
        return True

    def _is_too_much(self) -> bool:
        """Say whether what this client, or all of them, have sent is beyond the limits."""
        everyone = self.server.active_channels.values()
        return (self.passed_over > MOST_PASSED_OVER
                or sum(channel.held for channel in everyone) > MOST_HELD
                or sum(channel.held for channel in self._own())
                > MOST_HELD * self.server.proportion_each)

    def service(self) -> None:
        """Answer a request, as waitress does."""
        self.refused = self.requests[0].error is not None
        super().service()
        if self.refused or self.request is None and not self.requests:
            self.held = 0

    def handle_close(self) -> None:
        """Close the connection; after a refusal close at first only the direction of sending."""
        if self.refused and self.connected and not self.answered:
            self.answered, self.will_close = True, False
            with contextlib.suppress(OSError):  # the client has gone
                self.socket.shutdown(socket.SHUT_WR)
                return
        super().handle_close()


class Server:
    """A web server in a thread of its own."""

    def __init__(self, app: Flask, host: str, port: int, limits: Limits,
                 prefix: str | None = None):
        """Listen; port 0 takes a free one.

        Args:
            app: answers the requests.
            host: name or address; of a name's addresses the first IPv4 one, if it has any.
            port: to listen on.
            limits: of requests.
            prefix: path under which a proxy in front shows the page; None: there is no proxy.

        Raises:
            OSError: the port is taken or the host is not one of this machine's.
        """
        self.channels: dict = {}
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        address = min(found, key=lambda one: one[0] != socket.AF_INET)[4][0]
        self.server = create_server(
            app, map=self.channels, host=address, port=port, threads=limits.room + SPARE,
            max_request_body_size=limits.content_length, max_request_header_size=MOST_HEADER_BYTES,
            # Uploads stay in memory: beyond this many bytes waitress would use a temporary file.
            inbuf_overflow=limits.content_length + 1, outbuf_overflow=limits.content_length + 1,
            channel_timeout=SECONDS_SILENT, cleanup_interval=5, connection_limit=CONNECTIONS,
            recv_bytes=RECEIVED_AT_ONCE, ident="celestial", url_prefix=prefix or "",
            clear_untrusted_proxy_headers=prefix is None)
        self.server.channel_class = Channel
        # Of connections and memory for one client; behind a proxy the proxy is the only client.
        self.server.proportion_each = 0.5 if prefix is None else 1
        self.port = self.server.effective_port
        self.thread = threading.Thread(target=self._loop, daemon=True)
        self.ending = False
        self.thread.start()

    def _loop(self) -> None:
        while not self.ending:
            wasyncore.loop(timeout=0.2, map=self.channels, use_poll=True, count=1)

    def close(self) -> None:
        """Accept nothing more, answer what was accepted, and end."""
        self.server.accepting = False
        deadline = time.monotonic() + LAST_ANSWERS
        while self._busy() and time.monotonic() < deadline:
            time.sleep(0.02)
        self.ending = True
        self.server.pull_trigger()
        self.thread.join(LAST_ANSWERS)
        self.server.task_dispatcher.shutdown(timeout=1)
        wasyncore.close_all(self.channels)

    def _busy(self) -> bool:
        dispatcher = self.server.task_dispatcher
        channels = list(self.server.active_channels.values())
        return bool(dispatcher.queue or dispatcher.active_count or any(
            channel.requests or channel.total_outbufs_len for channel in channels))
