"""Serving with waitress, and an end at which every accepted request is answered."""

import threading
import time

from flask import Flask
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import create_server

from celestial.web.safety import Limits

SPARE = 8  # threads beside those that judge: pages, refusals
SECONDS_SILENT = 30  # after which a client that sends nothing is dropped
SECONDS_ARRIVING = 120  # after which one is dropped that sends a byte now and then
MOST_HELD = 1 << 30  # bytes of unanswered requests in the memory; who sends more is dropped
RECEIVED_AT_ONCE = 1 << 17  # bytes
LAST_ANSWERS = 30  # seconds that accepted requests have at the end
CONNECTIONS = 500
HEADERS = 32_768  # bytes of a request's headers


class Channel(HTTPChannel):
    """A connection; its requests arrive in good time and find room in the memory, or it ends."""

    held = 0  # bytes that came and are not answered yet
    arriving_since = 0.0

    def received(self, data: bytes) -> bool:
        """Take what came, as waitress does, within the limits."""
        now = time.monotonic()
        if self.request is None:
            self.arriving_since = now
        self.held += len(data)
        held = sum(channel.held for channel in self.server.active_channels.values())
        if now - self.arriving_since > SECONDS_ARRIVING or held > MOST_HELD:
            self.handle_close()
            return False
        return super().received(data)

    def service(self) -> None:
        """Answer a request, as waitress does."""
        super().service()
        if self.request is None and not self.requests:
            self.held = 0


class Server:
    """A web server in a thread of its own."""

    def __init__(self, app: Flask, host: str, port: int, limits: Limits):
        """Listen; port 0 takes a free one.

        Raises:
            OSError: the port is taken or the host is not one of this machine's.
        """
        self.channels: dict = {}
        self.server = create_server(
            app, map=self.channels, host=host, port=port, threads=limits.room + SPARE,
            max_request_body_size=limits.content_length, max_request_header_size=HEADERS,
            # Uploads stay in memory: beyond this many bytes waitress would use a temporary file.
            inbuf_overflow=limits.content_length + 1, outbuf_overflow=limits.content_length + 1,
            channel_timeout=SECONDS_SILENT, cleanup_interval=5, connection_limit=CONNECTIONS,
            recv_bytes=RECEIVED_AT_ONCE, ident="celestial", clear_untrusted_proxy_headers=True)
        self.server.channel_class = Channel
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
        self.thread.join()
        self.server.task_dispatcher.shutdown(timeout=1)
        wasyncore.close_all(self.channels)

    def _busy(self) -> bool:
        dispatcher = self.server.task_dispatcher
        channels = list(self.server.active_channels.values())
        return bool(dispatcher.queue or dispatcher.active_count or any(
            channel.requests or channel.total_outbufs_len for channel in channels))
