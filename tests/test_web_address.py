"""Under which names, addresses and paths the web page is reached, and how it ends."""

import ast
import json
import re
import signal
import socket
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from conftest import ROOT, draw_folder, run
from web_client import SECONDS, serving

from celestial.web.hosts import host_name, path_prefix, url_of

PROXY = {"Host": "127.0.0.1:8000", "X_Forwarded_Host": "Observatory.test",
         "X_Forwarded_Proto": "https", "X_Forwarded_For": "198.51.100.7"}


@pytest.mark.parametrize(("text", "name"), [
    ("Observatory.Test", "observatory.test"), ("observatory.test.", "observatory.test"),
    ("https://a.test:8443/", "a.test"), ("HTTP://A.test", "a.test"), ("a.test:80", "a.test"),
    ("München.de", "xn--mnchen-3ya.de"), ("::1", "::1"),
    ("0:0:0:0:0:0:0:1", "::1"), ("[2001:DB8::1]:8000", "2001:db8::1"), ("[::1]", "::1"),
    ("192.0.2.1:8000", "192.0.2.1")])
def test_a_host_in_any_spelling(text, name):
    assert host_name(text) == name


@pytest.mark.parametrize("text", ["", "*", "*.example.org", "a b", "a.test/page", "a:99999", "a:b",
                                  "https://", "user@a", "a?b", "a..b", "[::1", "a,b", "."])
def test_what_is_no_host_is_refused(text):
    with pytest.raises(ValueError):
        host_name(text)


@pytest.mark.parametrize(("host", "prefix", "url"), [
    ("127.0.0.1", "", "http://127.0.0.1:80"), ("0.0.0.0", "", "http://127.0.0.1:80"),
    ("::", "", "http://[::1]:80"), ("2001:db8::1", "/a", "http://[2001:db8::1]:80/a"),
    ("localhost", "", "http://localhost:80")])
def test_the_address_that_is_printed(host, prefix, url):
    assert url_of(host, 80, prefix) == url


def test_a_path_in_any_spelling():
    assert [path_prefix(text) for text in ("/", "", "classifier", "/a/b/", "//a")] == [
        "", "", "/classifier", "/a/b", "/a"]
    for text in ("/a b", "https://a", "/../a", "/a?b", "/a#b", "/ä"):
        with pytest.raises(ValueError):
            path_prefix(text)


@pytest.mark.parametrize(("options", "status", "words"), [
    (("--port", 70000), 2, "not a port"), (("--checkpoint", "nothing.pth"), 1, "no checkpoint"),
    (("--checkpoint", "."), 1, "has no checkpoint"),
    (("--host", "203.0.113.1"), 1, "203.0.113.1"),
    (("--host", "no-such-host.invalid"), 1, "no-such-host.invalid"),
    (("--allowed-host", "*.example.org"), 2, "*.example.org is not a host; give a name such as"),
    (("--prefix", "https://a/b"), 2, "https://a/b is not a path; give one such as /classifier")])
def test_wrong_options(tmp_path, options, status, words):
    done = run("web_app.py", *options, cwd=tmp_path)
    assert done.status == status and words in done.err and "Traceback" not in done.err


@pytest.fixture(scope="module")
def client(checkpoint, tmp_path_factory):
    with serving(tmp_path_factory.mktemp("proxy"), "--checkpoint", checkpoint, "--prefix",
                 "classifier/", "--allowed-host", "HTTPS://OBSERVATORY.test:8443/") as (_, client):
        yield client


@pytest.mark.slow
@pytest.mark.parametrize("stripped", [True, False])
def test_everything_works_under_a_path_whether_the_proxy_takes_it_off_or_not(
        client, stripped, tmp_path):
    def get(url):
        path = urlsplit(url).path
        assert path.startswith("/classifier/"), url
        return client.send("GET", path.removeprefix("/classifier") if stripped else path, **PROXY)

    seen, waiting = {}, ["/classifier/"]
    while waiting:
        url = waiting.pop()
        if url in seen:
            continue
        answer = seen[url] = get(url)
        assert answer.status == 200 or (
            url.endswith("predict") and answer.status in (302, 405)), (url, answer.status)
        if "html" in answer.headers["Content-Type"]:
            page = answer.body.decode()
            found = re.findall(r'(?:href|src|action|data-\w+)="([^"#]*/[^"]*)"', page)
        elif "javascript" in answer.headers["Content-Type"]:
            found = re.findall(r' from "([^"]+)"', answer.body.decode())
            assert not re.search(rb'["`]/\w', answer.body), "a path of its own"
        else:
            found = []
        waiting += [urljoin(url, link).partition("?")[0] for link in found]
    assert {f"/classifier/{path}" for path in (
        "api/openapi.json", "metrics", "static/server.js", "static/page.js", "static/drawing.js",
        "static/words.js", "static/style.css")} <= set(seen)
    assert b"https://observatory.test/classifier/api/predict" in seen[
        "/classifier/documentation"].body.lower()
    assert seen["/classifier/api/openapi.json"].json["servers"] == [{"url": "/classifier"}]
    assert get("/classifier/predict").headers["Location"] == "/classifier/?lang=en"
    picture = draw_folder(tmp_path / "pictures", 1) / "mars/mars 0.png"
    path = "/predict" if stripped else "/classifier/predict"
    answer = client.post(path, [("a.png", picture.read_bytes())], PROXY)
    assert answer.status == 200 and b'href="/classifier/?lang=en"' in answer.body


def test_the_name_that_visitors_use_decides_behind_a_proxy(client):
    for name, status in (("observatory.test:443", 200), ("evil.example", 400)):
        assert client.send("GET", "/", **{**PROXY, "X_Forwarded_Host": name}).status == status
    assert client.send("GET", "/classifier").status in (200, 308)


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.slow
def test_ctrl_c_ends_it(checkpoint, tmp_path):
    """Over IPv6 where there is any."""
    host = ("--host", "::1") if has_ipv6() else ()
    with serving(tmp_path, "--checkpoint", checkpoint, *host) as (process, client):
        assert client.host == ("[::1]" if host else "127.0.0.1")
        assert client.send("GET", "/health", Host=f"{client.host}:{client.port}").status == 200
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, err
        assert json.loads(out.splitlines()[-1].removeprefix("RESULT "))["pictures"] == 0
        with pytest.raises(OSError):
            client.send("GET", "/health")


@pytest.mark.parametrize("path", ["web_app.py", "celestial/web/serving.py",
                                  "celestial/web/worker.py"])
def test_the_main_thread_never_waits_without_an_end(path):
    """On Windows such a wait hears no Ctrl-C."""
    tree = ast.parse((ROOT / Path(path)).read_text(encoding="utf-8"))
    endless = [call.lineno for call in ast.walk(tree) if isinstance(call, ast.Call)
               and isinstance(call.func, ast.Attribute) and call.func.attr in ("wait", "join")
               and not call.args and not call.keywords]
    assert not endless
