"""The page that needs no server: its files, and its answers in Chromium beside the program's."""

import csv
import functools
import http.server
import io
import json
import shutil
import subprocess
import tarfile
import threading
from pathlib import Path

import pytest
from chromium import SECONDS, in_chromium, opening, running, until
from conftest import command, draw, run
from PIL import Image

from celestial.common.console import UserError
from celestial.static_page import onnxruntime_web, site

axe = pytest.importorskip("axe_playwright_python.sync_playwright")
MOST_BYTES = 40_000_000
RUNTIME = {name: name.encode() for name in onnxruntime_web.FILES}

PROBABILITIES = """() => Object.fromEntries([...document.querySelectorAll("#gallery button")].map(
  (thumb) => {
    thumb.click();
    const bars = [...document.querySelectorAll("#shown .bars li")];
    return [thumb.querySelector(".file").textContent, Object.fromEntries(bars.map((bar) => [
      bar.querySelector("span").textContent, bar.querySelector("progress").value]))];
  }))"""


def package(**files: bytes) -> bytes:
    """Return a .tgz as npm makes it."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, data in files.items():
            about = tarfile.TarInfo(f"package/dist/{name}")
            about.size = len(data)
            archive.addfile(about, io.BytesIO(data))
    return content.getvalue()


def test_only_the_package_as_it_was_published_is_used():
    import base64
    import hashlib

    made = package(**RUNTIME, **{"ort-wasm-simd-threaded.jsep.wasm": b"for GPUs"})
    checksum = base64.b64encode(hashlib.sha512(made).digest()).decode()
    assert onnxruntime_web.take_files(made, checksum) == RUNTIME
    with pytest.raises(UserError, match="is not onnxruntime-web 1.30.0 as it was published"):
        onnxruntime_web.take_files(made)


@pytest.mark.parametrize(("npm", "words"), [
    (None, "install Node.js"),
    ("#!/bin/sh\necho 'npm error code ENOTFOUND' >&2\nexit 1\n", "(ENOTFOUND); connect"),
    ("#!/bin/sh\nexit 0\n", "left no package")])
def test_what_npm_cannot_do_is_one_sentence(npm, words, tmp_path, monkeypatch):
    if npm is not None:
        (tmp_path / "npm").write_text(npm)
        (tmp_path / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError) as failed:
        onnxruntime_web.fetch()
    assert words in str(failed.value) and "\n" not in str(failed.value)


def test_the_files_are_the_flask_pages_and_each_is_kept_for_offline(tmp_path, monkeypatch):
    monkeypatch.setattr(onnxruntime_web, "fetch", lambda: RUNTIME)
    (tmp_path / "notes.txt").write_text("the user's")
    classes = ("mars", "ceres<b>")
    written = site.write_site(tmp_path, b"model", classes, 2.5, "MIT")
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == {
        *written, tmp_path / "notes.txt"}
    for name in site.FROM_FLASK_PAGE:
        assert (tmp_path / name).read_bytes() == (site.FLASK_PAGE / "static" / name).read_bytes()
    assert [path.name for path in (tmp_path / "samples").iterdir()] == ["mars.jpg"]
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    about = json.loads(index.split('id="about">')[1].split("</script>")[0])
    assert [one["class"] for one in about["classes"]] == list(classes)
    assert about["classes"][0]["names"]["zh"] == "火星" and about["reject_below"] == 2.5
    assert "<b>" not in index and "http" not in index.replace("http-equiv", "")
    worker = (tmp_path / "service_worker.js").read_text(encoding="utf-8")
    kept = json.loads(worker.split("JSON.parse('")[1].split("')")[0])["FILES"]
    assert {*kept, "service_worker.js", "licences.txt"} == {
        "./", *(path.relative_to(tmp_path).as_posix() for path in written)}
    site.write_site(tmp_path, b"another model", classes, 2.5, "MIT")
    assert (tmp_path / "service_worker.js").read_text(encoding="utf-8") != worker


class Host(http.server.SimpleHTTPRequestHandler):
    """A plain host of files, without a header of its own."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def exported(checkpoint, tmp_path_factory):
    if shutil.which("npm") is None:
        pytest.skip("there is no npm here")
    folder = tmp_path_factory.mktemp("exported")
    # Not by `run`, which takes the network away that npm needs.
    done = subprocess.run(command("export_model.py", "--checkpoint", checkpoint, "--output-dir",
                                  "model", "--page", "site"),
                          cwd=folder, capture_output=True, text=True, timeout=3 * SECONDS)
    if "npm cannot fetch" in done.stderr:
        pytest.skip("npm cannot reach its registry")
    assert done.returncode == 0, done.stderr
    assert str(Path("site/index.html")) in done.stdout.splitlines()[-1]
    return folder


@pytest.fixture(scope="module")
def url(exported):
    handler = functools.partial(Host, directory=exported / "site")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser():
    with running() as started:
        yield started


@pytest.fixture
def open_page(browser, url):
    with opening(browser, url) as open_:
        yield open_


def answers_of(page, files, folder):
    """Return the rows of the page's CSV by file name."""
    page.set_input_files("#files", files)
    until(page, f"document.querySelectorAll('#rows td:first-child').length === {len(files)}")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as CSV").click()
    download.value.save_as(folder / "page.csv")
    with (folder / "page.csv").open(encoding="utf-8-sig", newline="") as file:
        return {row["filename"]: row for row in csv.DictReader(file)}



class TestInChromium:
    pytestmark = in_chromium

    def test_it_answers_as_the_program_does(self, exported, open_page, tmp_path):
        """30 PNG within 0.01 of each probability, 30 JPEG with the same verdict."""
        pictures = tmp_path / "pictures"
        pictures.mkdir()
        names = ("mars", "neptune", "saturn")
        for number in range(30):
            drawn = draw(names[number % 3], number)
            image = Image.fromarray(drawn).resize((61 + 47 * number, 64 + 31 * number))
            image.save(pictures / f"{number}.png")
            image.save(pictures / f"{number}.jpg", quality=90)
        done = run("predict_my_images.py", pictures, "--checkpoint", exported / "model/model.onnx",
                   "--engine", "onnx", "--no-pictures", "--output-dir", tmp_path / "answers",
                   cwd=tmp_path)
        assert done.status == 0, done.err
        with (tmp_path / "answers/batch_prediction_summary.csv").open(
                encoding="utf-8-sig", newline="") as file:
            program = {row["filename"]: row for row in csv.DictReader(file)}
        page = open_page()
        rows = answers_of(page, sorted(pictures.iterdir()), tmp_path)
        assert rows.keys() == program.keys() and len(rows) == 60
        probabilities = page.evaluate(PROBABILITIES)
        differences = {"png": [], "jpg": []}
        for name, row in program.items():
            assert rows[name]["status"] == row["status"], name
            assert rows[name]["prediction"] in (row["prediction"], ""), name
            own = dict(pair.split(":") for pair in row["top5"].split("; "))
            assert own.keys() == probabilities[name].keys()
            differences[name[-3:]] += [abs(probabilities[name][label] - float(value))
                                       for label, value in own.items()]
        largest = {kind: max(values) for kind, values in differences.items()}
        assert largest["png"] <= 0.01 and largest["jpg"] <= 0.1, largest

    def test_it_works_offline_after_the_first_visit(self, exported, browser, tmp_path):
        handler = functools.partial(Host, directory=exported / "site")
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        context = browser.new_context(locale="ko-KR", viewport={"width": 360, "height": 640})
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        until(page, "navigator.serviceWorker.controller?.state === 'activated'")
        server.shutdown()
        server.server_close()
        thread.join()
        page.reload()
        Image.fromarray(draw("saturn", 0)).save(tmp_path / "picture.png")
        page.set_input_files("#files", [tmp_path / "picture.png"])
        until(page, "document.querySelector('#shown .ok, #shown .unknown')")
        assert page.locator("h1").inner_text() == "이 사진에는 무엇이 있을까요?"
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        context.close()

    def test_what_no_browser_opens_gets_a_sentence(self, open_page, tmp_path):
        (tmp_path / "frame.fits").write_bytes(b"SIMPLE  =                    T")
        Image.new("RGBA", (40, 40)).save(tmp_path / "empty.png")
        page = open_page()
        rows = answers_of(page, [tmp_path / "frame.fits", tmp_path / "empty.png"], tmp_path)
        assert "cannot open the file as a picture" in rows["frame.fits"]["reason"]
        assert "every pixel is transparent" in rows["empty.png"]["reason"]
        found = axe.Axe().run(page)
        assert found.violations_count == 0, found.generate_report()

    def test_its_weight(self, exported):
        files = [path for path in (exported / "site").rglob("*") if path.is_file()]
        assert sum(path.stat().st_size for path in files) < MOST_BYTES

    def test_without_javascript_it_says_so(self, open_page):
        page = open_page(java_script_enabled=False)
        assert "needs JavaScript" in page.locator("noscript").inner_text()

