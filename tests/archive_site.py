"""A server on this machine that answers as NASA's API and ESA/Hubble's feed are documented to."""

import csv
import io
import json
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
from conftest import draw
from PIL import Image

PAGE = 3  # entries a page of the server


def picture(label, number, side=96, kind="PNG"):
    """Return the bytes of a drawn picture; a pattern of its own makes each one no other's copy."""
    pattern = np.random.default_rng(number).integers(0, 120, (5, 5, 3), np.uint8)
    large = np.asarray(Image.fromarray(pattern).resize((96, 96), Image.Resampling.BICUBIC))
    both = np.maximum(draw(label, number, 96), large)
    file = io.BytesIO()
    Image.fromarray(both).resize((side, side)).save(file, kind)
    return file.getvalue()


class Site:
    """Both archives on this machine; it remembers when it was asked for what.

    `answers` maps a path to bytes, or to a function of the request's handler.
    """

    def __init__(self):
        self.answers, self.log, self.nasa, self.hubble = {}, [], [], []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                path = unquote(urlsplit(self.path).path)
                site.log.append((time.monotonic(), path, self.headers["User-Agent"]))
                answer = site.answers.get(path)
                if path == "/search":
                    answer = site.search(parse_qs(urlsplit(self.path).query))
                elif path == "/images/d2d/":
                    answer = site.feed(parse_qs(urlsplit(self.path).query))
                if answer is None:
                    self.send_error(404)
                elif callable(answer):
                    answer(self)
                else:
                    reply(self, answer)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.other_url = f"http://localhost:{self.server.server_port}"

    def search(self, query):
        """NASA's /search: the items of the class that the query names, a page of them."""
        own = [item for label, item in self.nasa if label in query["q"][0].split()]
        page = int(query["page"][0])
        assert query["media_type"] == ["image"]
        more = [{"rel": "next", "prompt": "Next", "href": "http://192.0.2.1/search?page=999"}]
        return json.dumps({"collection": {
            "version": "1.1", "href": self.url, "items": own[PAGE * (page - 1):PAGE * page],
            "metadata": {"total_hits": len(own)}, "links": more if len(own) > PAGE * page else []}})

    def feed(self, query):
        """ESA/Hubble's feed, a page of it."""
        page = int(query["page"][0])
        answer = {"Count": len(self.hubble),
                  "Collections": self.hubble[PAGE * (page - 1):PAGE * page]}
        if len(self.hubble) > PAGE * page:
            answer["Next"] = f"{self.url}/images/d2d/?page={page + 1}"
        return json.dumps(answer)

    def add_nasa(self, label, nasa_id, answer, title=None, smaller=None, **data):
        """Add an item, its manifest and its picture."""
        file = f"/image/{len(self.nasa)}/{len(self.nasa)}~"
        self.nasa.append((label, {
            "href": f"{self.url}/image/collection.json",
            "data": [{"nasa_id": nasa_id, "title": title or f"View of {label.title()}",
                      "media_type": "image", "center": "JPL", "description": "", **data}],
            "links": [{"href": self.url + file + "thumb.jpg", "rel": "preview"}]}))
        sizes = ("orig.tif", "orig.png", "thumb.png", "medium.png")
        manifest = [{"href": self.url + file + size} for size in sizes]
        manifest.append({"href": f"{self.url}/image/metadata.json"})
        self.answers[f"/asset/{nasa_id}"] = json.dumps({"collection": {"items": manifest}})
        self.answers[file + "medium.png"] = answer
        self.answers[file + "thumb.png"] = smaller
        return file + "medium.png"

    def add_hubble(self, hubble_id, answer, title, observed=True, names=(),
                   rights="Creative Commons Attribution 4.0 International License"):
        """Add an entry of the feed and its picture."""
        resources = [{"ResourceType": size, "MediaType": "Image", "FileSize": 1,
                      "URL": f"{self.url}/archives/images/{folder}/{hubble_id}{ending}"}
                     for size, folder, ending in (("Original", "original", ".tif"),
                                                  ("Large", "large", ".jpg"),
                                                  ("Small", "screen", ".jpg"))]
        asset = {"MediaType": "Image", "Resources": resources}
        if observed:
            asset["ObservationData"] = {"Facility": ["Hubble Space Telescope"]}
        self.hubble.append({
            "ID": hubble_id, "Title": title, "Credit": "NASA &amp; <b>ESA</b>", "Rights": rights,
            "Subject": {"Name": list(names)}, "Assets": [asset],
            "ReferenceURL": f"https://esahubble.org/images/{hubble_id}/"})
        self.answers[f"/archives/images/screen/{hubble_id}.jpg"] = answer

    def asked(self, part=""):
        """Return how often each path was asked for."""
        return Counter(path for _, path, _ in self.log if part in path)


def reply(handler, content, status=200, length=True, **headers):
    content = content.encode() if isinstance(content, str) else content
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    if length:
        handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    try:
        handler.wfile.write(content)
    except OSError:
        pass  # the other side has heard enough


def busy_first(content, status, **headers):
    """Return an answer that refuses once."""
    asked = []

    def answer(handler):
        asked.append(1)
        if len(asked) == 1:
            reply(handler, "busy", status, **headers)
        else:
            reply(handler, content)
    return answer


def leads_to(url):
    return lambda handler: reply(handler, "", 302, Location=url)


def make_site(network):
    """Start a site and let the scripts take it for both archives; `network` is conftest's."""
    site = Site()
    network.setenv("CELESTIAL_NASA_URL", site.url)
    network.setenv("CELESTIAL_ESAHUBBLE_URL", site.other_url)
    return site


def table(folder, name="data/input"):
    """Return the rows of a folder's sources.csv."""
    path = folder / name / "sources.csv"
    assert path.read_bytes().startswith(b"\xef\xbb\xbf"), "spreadsheets need the mark"
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))
