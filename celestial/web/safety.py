"""Protects a page on an open network: security headers, allowed hosts, limits."""

import time
from collections import defaultdict, deque
from dataclasses import dataclass
from threading import Lock

from flask import Flask, Response, abort, request

from celestial.web.hosts import host_name

SECURITY_HEADERS = {
    # Nothing from other hosts, nothing inline; pictures come as data or from the page itself.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data: blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
OWN_HEADER = "X-Celestial-Page"  # of requests that store something
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
MINUTE = 60.0


@dataclass(frozen=True)
class Limits:
    """Limits of one request, of one visitor, and of all visitors together.

    Attributes:
        megabytes: of a request.
        files: of a request.
        room: pictures under way at once, at most half of them one visitor's; else status 503.
        a_minute: requests for answers from one visitor; else status 429.
    """

    megabytes: int = 40
    files: int = 20
    room: int = 64
    a_minute: int = 6000

    @property
    def content_length(self) -> int:
        """Return the largest request, bytes."""
        return self.megabytes << 20


def guard(app: Flask, hosts: frozenset[str]) -> None:
    """Answer only requests for the hosts named, and put the headers on every answer.

    Other hosts are refused, because a page of another site could let its name resolve to this
    machine and read the answers (DNS rebinding).
    """
    @app.before_request
    def check_host() -> None:
        try:
            name = host_name(request.host)
        except ValueError:
            name = None
        if name not in hosts:
            abort(400, "the Host header names a host that is not served here; see --allowed-host")

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in SECURITY_HEADERS.items():
            response.headers[name] = value
        if request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
        return response


def refuse_other_sites() -> None:
    """Refuse a request that a page of another site may have made a visitor's browser send.

    A browser sends a header of one's own to another site only if that site allows it (a CORS
    preflight), which this one never does. Most browsers also say where a request comes from.
    """
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    if not request.headers.get(OWN_HEADER) or site != "same-origin":
        abort(403, f"a page of another site may not store anything here; programs send the header "
              f"{OWN_HEADER}: 1")


class Pace:
    """How often a visitor has asked within the last minute."""

    def __init__(self, a_minute: int):
        self.a_minute = a_minute
        self.asked: dict[str, deque[float]] = defaultdict(deque)
        self.lock = Lock()

    def too_fast(self, visitor: str) -> bool:
        """Note a request and say whether it is one too many."""
        now = time.monotonic()
        with self.lock:
            for other in [name for name, times in self.asked.items()
                          if times[-1] < now - MINUTE]:
                del self.asked[other]  # else every visitor ever seen stays in the memory
            times = self.asked[visitor]
            while times and times[0] < now - MINUTE:
                times.popleft()
            if len(times) >= self.a_minute:
                return True
            times.append(now)
            return False
