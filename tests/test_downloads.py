"""One polite client of the archives: waits, limits, answers that make no sense."""

import functools

import numpy as np
import pytest
from archive_site import Site, busy_first, leads_to, make_site, reply

from celestial.data.archives import fits, open_archives
from celestial.data.downloads import Client, DownloadError, TooLarge


def test_a_host_is_left_in_peace_between_two_requests(network):
    site, pause = Site(), 0.15
    site.answers.update({"/a": b"a", "/b": leads_to("/c"), "/c": b"c",
                         "/busy": busy_first(b"d", 503)})
    client = Client(pause)
    assert [client.read(site.url + path, 9) for path in ("/a", "/b", "/busy")] == [b"a", b"c", b"d"]
    moments = [moment for moment, _, _ in site.log]
    assert len(moments) == 5
    assert min(np.diff(moments)) >= pause, "redirects and new tries wait as well"


def test_a_server_that_asks_for_too_long_a_wait_is_left_alone(network, monkeypatch):
    monkeypatch.setattr("celestial.data.downloads.LONGEST_WAIT", 0.5)
    site = Site()
    site.answers["/later"] = lambda handler: reply(handler, "", 429, Retry_After="1")
    with pytest.raises(DownloadError, match="429.* 1 seconds"):
        Client(0.01).read(f"{site.url}/later", 9)
    assert len(site.log) == 1


def test_too_large(network):
    site, client = Site(), Client(0.01)
    site.answers["/large"] = lambda handler: reply(handler, bytes(2000), length=False)
    with pytest.raises(TooLarge):
        client.read(f"{site.url}/large", 1999)
    assert len(client.read(f"{site.url}/large", 2000)) == 2000
    # What is announced counts before any of it comes: here nothing does.
    site.answers["/large"] = functools.partial(reply, content=b"", length=False,
                                               Content_Length="2000")
    with pytest.raises(TooLarge):
        client.read(f"{site.url}/large", 1999)
    with pytest.raises(DownloadError, match="cut short"):
        client.read(f"{site.url}/large", 2000)


@pytest.mark.parametrize("headers", [
    {"Retry_After": "9" * 5000}, {"Retry_After": "\x1b[2J"}, {"Content_Length": "9" * 5000},
], ids=["wait", "escape", "length"])
def test_headers_that_make_no_sense(network, headers):
    site = Site()
    status = 503 if "Retry_After" in headers else 200
    site.answers["/odd"] = functools.partial(reply, content="", status=status, length=False,
                                             **headers)
    with pytest.raises(DownloadError) as caught:
        Client(0.01).read(f"{site.url}/odd", 9)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://127.0.0.1/x", "/etc/hostname",
                                 "http://", "http://[", "http://\ud800.example/"],
                         ids=["file", "ftp", "path", "no host", "bracket", "no letter"])
def test_only_web_addresses_are_opened(network, url):
    with pytest.raises(DownloadError):
        Client(0.01).read(url, 9)


@pytest.mark.parametrize("answer", [b"[]", b"{", b"[" * 100_000, b"\xff", b"null"],
                         ids=["list", "cut", "deep", "no text", "null"])
def test_answers_that_are_not_documented(network, tmp_path, answer):
    site = make_site(network)
    site.search = site.feed = lambda query: answer
    for archive in open_archives(["nasa", "esahubble"], Client(0.01)):
        with pytest.raises(DownloadError):
            next(archive.search("mars"))


@pytest.mark.parametrize("name, title, wanted", [
    ("mars", "Mars from Hubble", True), ("mars", "Marsh in Florida", False),
    ("mars", "Mars and Jupiter", False), ("mars", "Artist's concept of Mars", False),
    ("jupiter", "Jupiter's moon Io", False), ("moon", "Earth's Moon", True),
    ("saturn", "Saturn V on its way", False), ("galaxy", "Spiral galaxy NGC 1300", True),
    ("star_cluster", "Globular cluster M13", True), ("comet", "Comet Hale-Bopp", True),
    ("spiral_galaxy", "The spiral galaxy M 74", True), ("comet", "Mars", False),
])
def test_which_titles_are_about_a_class(name, title, wanted):
    assert fits(name, title) == wanted
