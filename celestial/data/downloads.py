"""Polite HTTP: pauses between requests, tries again when a host was busy, refuses large files."""

import http.client
import json
import time
from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectionError as NoConnectionError
from requests.exceptions import RequestException, Timeout
from urllib3.exceptions import HTTPError, MaxRetryError
from urllib3.util import Retry

import celestial

USER_AGENT = f"celestial-image-classifier/{celestial.__version__} (fetch_pictures.py)"
TIMEOUT = (10, 60)  # seconds to connect, and between two pieces of an answer
LONGEST = 300  # seconds for one file, because one that comes in drops never reaches the time-out
TRIES_AGAIN = 4
CONNECTS_AGAIN = 2  # few, because where there is no network the user should learn it soon
LONGEST_WAIT = 120  # seconds; a server that asks for more is left alone until the next run
BUSY = (429, 500, 502, 503, 504)
REDIRECTS = (301, 302, 303, 307, 308)
MOST_REDIRECTS = 5
MOST_BYTES_OF_JSON = 64_000_000
BLOCK = 1 << 16


class DownloadError(Exception):
    """What kept a file from coming; the message is the reason, for a person.

    Attributes:
        status: the HTTP status where a server refused.
        url: what was asked for, where several addresses were tried.
    """

    def __init__(self, message: str, status: int = 0):
        super().__init__(message)
        self.status, self.url = status, ""


class TooLarge(DownloadError):
    """The file has more bytes than were allowed."""


class _PoliteRetry(Retry):
    """Waits at least `backoff_factor` seconds also before the first new try.

    Retry-After is honoured (RFC 9110, section 10.2.3); where it asks for more than LONGEST_WAIT
    seconds, coming back sooner would be rude, and nothing is tried again.
    """

    def get_backoff_time(self) -> float:
        return max(self.backoff_factor, super().get_backoff_time())

    def increment(self, method=None, url=None, response=None, *args, **settings) -> Retry:
        if response is not None and (self.get_retry_after(response) or 0) > LONGEST_WAIT:
            raise MaxRetryError(None, url, HTTPError("asks to wait too long"))
        return super().increment(method, url, response, *args, **settings)


class _PoliteAdapter(HTTPAdapter):
    """Lets `seconds_between` pass between two requests to one host."""

    def __init__(self, seconds_between: float):
        super().__init__(max_retries=_PoliteRetry(
            total=TRIES_AGAIN, connect=CONNECTS_AGAIN, status_forcelist=BUSY,
            backoff_factor=seconds_between, raise_on_status=False))
        self.seconds_between = seconds_between
        self.ready: dict[str, float] = {}

    def send(self, request, *args, **settings) -> requests.Response:
        host = urlsplit(request.url).netloc
        time.sleep(max(0.0, self.ready.get(host, 0.0) - time.monotonic()))
        try:
            return super().send(request, *args, **settings)
        finally:
            self.ready[host] = time.monotonic() + self.seconds_between


class Client:
    """Fetches files one after the other.

    Args:
        seconds_between: pause between two requests to one host.
    """

    def __init__(self, seconds_between: float):
        self.session = requests.Session()
        # Only http and https are served, so that an address with file: or ftp: is an error.
        self.session.adapters.clear()
        adapter = _PoliteAdapter(seconds_between)
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)
        # We ask for no compression, because it would hide how large an answer is.
        self.session.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})

    def json(self, url: str, params: Mapping[str, object] | None = None) -> object:
        """Return what a server says in JSON.

        Raises:
            DownloadError: it does not, or cannot be reached.
        """
        content = self.read(url, MOST_BYTES_OF_JSON, params)
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise DownloadError(f"{_host(url)} answers, but not in JSON") from error

    def read(self, url: str, most_bytes: int, params: Mapping[str, object] | None = None) -> bytes:
        """Return the bytes at an address.

        Raises:
            TooLarge: more than `most_bytes`; what the server announces is believed, and what comes
                is counted.
            DownloadError: why nothing came.
        """
        host = _host(url)
        try:
            with self._open(url, params) as response:
                if response.status_code != 200:
                    raise DownloadError(f"{host} answers {_status_of(response)}",
                                        response.status_code)
                return _body(response, most_bytes)
        except Timeout as error:
            raise DownloadError(f"{host} does not answer in time") from error
        except NoConnectionError as error:
            raise DownloadError(f"{host} cannot be reached") from error
        except (RequestException, HTTPError, ValueError) as error:
            raise DownloadError(f"the answer of {host} is cut short or makes no sense") from error

    def _open(self, url: str, params: Mapping[str, object] | None) -> requests.Response:
        """Follow redirects by hand: each is checked, and none of their bodies is read."""
        for _ in range(MOST_REDIRECTS + 1):
            if not is_web_address(url):
                raise DownloadError("the address, or where it leads, is not http or https")
            response = self.session.get(url, params=params, stream=True, timeout=TIMEOUT,
                                        allow_redirects=False)
            onward = response.headers.get("Location")
            if response.status_code not in REDIRECTS or not onward:
                return response
            response.close()
            url, params = urljoin(response.url, onward), None
        raise DownloadError(f"{_host(url)} leads on more than {MOST_REDIRECTS} times")


def is_web_address(url: str) -> bool:
    """Say whether this is an http or https address with a host."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def _host(url: str) -> str:
    try:
        host = "".join(letter for letter in urlsplit(url).netloc if letter.isprintable())
    except ValueError:
        host = ""
    return host or "an address without a host"


def _status_of(response: requests.Response) -> str:
    """Return a status in our own words, because a server's may hold commands for the terminal."""
    wait = response.headers.get("Retry-After", "")
    return (f"{response.status_code} {http.client.responses.get(response.status_code, '')}".strip()
            + (f" and asks to wait {wait} seconds" if wait.isdecimal() else ""))


def _body(response: requests.Response, most_bytes: int) -> bytes:
    too_large = TooLarge(f"larger than {most_bytes / 1e6:g} MB")
    announced = response.headers.get("Content-Length", "")
    if announced.isdecimal() and int(announced) > most_bytes:
        raise too_large
    content, end = bytearray(), time.monotonic() + LONGEST
    for block in response.iter_content(BLOCK):
        content += block
        if len(content) > most_bytes:
            raise too_large
        if time.monotonic() > end:
            raise DownloadError(f"{_host(response.url)} takes more than {LONGEST} seconds")
    return bytes(content)
