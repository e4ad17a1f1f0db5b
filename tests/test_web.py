"""The web server as a program meets it: the API, its errors, its limits, its end."""

import csv
import io
import json
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pillow_heif
import pytest
from astropy.io import fits
from conftest import CLASSES, content_of, draw, draw_folder, run
from hostile import KINDS, hostile_requests, send
from PIL import Image
from web_client import SECONDS, serving

from celestial.web.worker import VIEWS


def png(label="mars", number=1) -> bytes:
    file = io.BytesIO()
    Image.fromarray(draw(label, number)).save(file, format="PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("web")


@pytest.fixture(scope="module")
def client(checkpoint, home):
    with serving(home, "--checkpoint", checkpoint, "--most-megabytes", 1, "--most-files", 4,
                 "--allowed-host", "observatory.test") as (_, client):
        yield client


def test_the_answers_are_those_of_predict_my_images(client, checkpoint, tmp_path):
    folder = draw_folder(tmp_path / "my_images", 2)
    done = run("predict_my_images.py", "--checkpoint", checkpoint, "--views", VIEWS, cwd=tmp_path)
    assert done.status == 0, done.err
    with (tmp_path / "my_predictions/batch_prediction_summary.csv").open(
            encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        answer = client.post("/api/predict", [(row["filename"], (
            folder / row["filename"]).read_bytes())], top_k="3", explain="true")
        assert answer.status == 200
        result, = answer.json["results"]
        assert result["status"] == row["status"] and (result["prediction"] or "unknown") == row[
            "prediction"]
        given = dict(pair.rsplit(":", 1) for pair in row["top5"].split("; "))
        assert {one["class"] for one in result["probabilities"]} == set(CLASSES)
        for one in result["probabilities"]:
            assert abs(one["probability"] - float(given[one["class"]])) < 2e-3
        assert result["names"]["zh"] == row["prediction_zh"] or row["status"] == "unknown"
        for name in ("preview", "seen", "explanation"):
            assert result[name].startswith("data:image/jpeg;base64,")


def test_a_bad_file_among_others_has_its_own_row(client):
    files = [("a.png", png()), ("b.png", b"no picture"), ("c.png", png("neptune"))]
    answer = client.post("/api/predict", files)
    assert answer.status == 200
    assert [one["filename"] for one in answer.json["results"]] == ["a.png", "b.png", "c.png"]
    first, bad, last = answer.json["results"]
    assert bad["status"] == "failed" and "not a picture" in bad["reason"]
    alone = [client.post("/api/predict", [file]).json["results"][0] for file in (files[0],
                                                                                files[2])]
    for one, same in zip((first, last), alone, strict=True):
        assert abs(one["confidence"] - same["confidence"]) < 1e-3 and one["nearest"] == same[
            "nearest"]


@pytest.mark.parametrize(("files", "fields", "status", "reason"), [
    ([("a.png", b"no picture")], {}, 422, "not a picture"),
    ([("a.png", b"")], {}, 422, "empty"),
    ([("a.png", b"1"), ("b.png", b"2")], {}, 422, "none of the files"),
    ([], {}, 400, "no file"),
    ([("a.png", b"x")] * 5, {}, 400, "at most 4"),
    ([("a.png", b"x")], {"top_k": "0"}, 400, "top_k"),
    ([("a.png", b"x")], {"top_k": "٣"}, 400, "top_k"),
    ([("a.png", b"x")], {"explain": "perhaps"}, 400, "explain"),
    ([("a.png", b"x")], {"model": "../secret"}, 400, "no such model"),
    ([("a.png", b"x" * 2_000_000)], {}, 413, "a request may have 1 MiB")])
def test_errors_have_a_status_and_a_reason(client, files, fields, status, reason):
    answer = client.post("/api/predict", files, **fields)
    assert answer.status == status
    if status == 413:  # the server refuses it before the application sees it
        assert reason in answer.body.decode()
    else:
        assert answer.json["error"]["status"] == status and reason in answer.json["error"]["reason"]


def test_other_requests(client):
    assert client.send("POST", "/api/predict", b"{}", Content_Type="application/json").status == 415
    assert client.send("GET", "/api/predict").status == 405
    assert client.send("GET", "/nothing").json["error"]["status"] == 404
    assert client.send("GET", "/static/../application.py").status == 404
    assert client.send("GET", "/health").json["status"] == "ok"
    described = client.send("GET", "/api/openapi.json").json
    assert {"/api/predict", "/api/preview", "/health", "/metrics"} == set(described["paths"])


def test_headers_and_hosts(client):
    answer = client.send("GET", "/")
    assert answer.status == 200 and len(answer.body) < 60_000
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert b"http://" not in answer.body.replace(b"http://www.w3.org", b"")
    for host, status in (("observatory.test", 200), ("Observatory.Test.:99", 200),
                         ("localhost:1", 200), ("[::1]:1", 200), ("evil.example", 400),
                         ("127.0.0.1.evil.example", 400), ("[", 400), ("", 400)):
        assert client.send("GET", "/", Host=host).status == status, host


def test_names_are_escaped(client):
    name = "<script>alert(1)</script>&.png"
    answer = client.post("/predict", [(name, png()), ("=cmd.png", b"no picture")])
    page = answer.body.decode()
    assert answer.status == 200
    assert "<script>" not in page and "&lt;script&gt;alert(1)&lt;/script&gt;&amp;.png" in page
    bad = client.post("/predict", [])
    assert bad.status == 400 and "text/html" in bad.headers["Content-Type"]


@pytest.mark.parametrize(("language", "text"), [("zh-CN,zh;q=0.9", "这张图片里是什么"),
                                                ("ko", "이 사진에는"), ("fr", "What is in")])
def test_the_browser_chooses_the_language(client, language, text):
    assert text in client.send("GET", "/", Accept_Language=language).body.decode()


@pytest.mark.parametrize("kind", ["TIFF", "HEIF", "FITS"])
def test_previews_of_what_browsers_cannot_show(client, kind):
    drawn, file = draw("saturn", 1), io.BytesIO()
    if kind == "TIFF":
        Image.fromarray(np.uint16(drawn.mean(axis=2) * 257)).save(file, format="TIFF")
    elif kind == "HEIF":
        pillow_heif.from_pillow(Image.fromarray(drawn)).save(file, quality=95)
    else:
        fits.PrimaryHDU(np.float32(drawn.mean(axis=2))).writeto(file)
    answer = client.post("/api/preview", [("a", file.getvalue())])
    assert answer.status == 200 and answer.headers["Content-Type"] == "image/jpeg"
    with Image.open(io.BytesIO(answer.body)) as picture:
        assert picture.size == (48, 48) and np.asarray(picture).std() > 20
    broken = file.getvalue()[:200]
    assert client.post("/api/preview", [("a", broken)]).json["error"]["status"] == 422


@pytest.mark.slow
def test_the_documentation_has_the_figures_of_this_very_checkpoint(checkpoint, tmp_path):
    models = tmp_path / "model_checkpoints"
    models.mkdir()
    for name in ("measured", "another"):
        (models / f"{name}.pth").write_bytes(checkpoint.read_bytes() + b"\0" * (name == "another"))
    for label in CLASSES:
        (tmp_path / "data/test" / label).mkdir(parents=True)
        for number in (1000, 1001):  # which it has not learned from
            Image.fromarray(draw(label, number)).save(tmp_path / f"data/test/{label}/{number}.png")
    done = run("evaluate_model.py", "--checkpoint", models / "measured.pth", "--data-dir", "data",
               cwd=tmp_path)
    assert done.status == 0, done.err
    found = json.loads((tmp_path / "evaluation_results/metrics.json").read_text())
    value, low, high = (f"{100 * found['balanced_accuracy'][name]:.1f} %"
                        for name in ("value", "low", "high"))
    with serving(tmp_path, "--checkpoint", models) as (_, client):
        for language in ("en", "zh", "ko"):
            page = client.send("GET", f"/documentation?lang={language}").body.decode()
            told = [place for place, part in enumerate(page.split("<h2>"))
                    if f"<td>{value} ({low} – {high})</td>" in part]
            assert told == [2], "of the second model, measured.pth, alone"


def test_documentation_and_metrics(client):
    page = client.send("GET", "/documentation").body.decode()
    assert "Mars" in page and "95 % interval" in page and "by which the epoch was chosen" in page
    assert "evaluate_model.py has not measured this model" in page
    before = client.send("GET", "/metrics").body.decode()
    client.post("/api/predict", [("a.png", png())])
    after = client.send("GET", "/metrics").body.decode()

    def count(text):
        return sum(float(line.split()[-1]) for line in text.splitlines()
                   if line.startswith("celestial_pictures_total"))

    assert count(after) == count(before) + 1
    assert 'celestial_requests_total{endpoint="predict",status="200"}' in after


def test_nothing_is_stored(client, home):
    before = content_of(home)
    large = np.random.default_rng(0).integers(0, 256, (540, 600, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(large).save(file, format="PNG")
    seen, stop = set(), threading.Event()

    def watch():
        while not stop.is_set():
            seen.update(set(content_of(home)) - set(before))

    watcher = threading.Thread(target=watch)
    watcher.start()
    for _ in range(5):
        assert client.post("/api/predict", [("a.png", file.getvalue())]).status == 200
    stop.set()
    watcher.join()
    assert not seen and content_of(home) == before


@pytest.mark.slow
def test_many_visitors_get_their_own_answers(client):
    names = [(label, number) for number in range(8) for label in CLASSES]
    alone = [client.post("/api/predict", [(label, png(label, number))]).json["results"][0]
             for label, number in names]
    with ThreadPoolExecutor(len(names)) as executor:
        together = list(executor.map(
            lambda one: client.post("/api/predict", [(one[0], png(*one))]).json["results"][0],
            names))
    for first, second in zip(alone, together, strict=True):
        assert first["filename"] == second["filename"]
        assert abs(first["confidence"] - second["confidence"]) < 2e-3


@pytest.mark.slow
def test_hostile_requests(checkpoint, tmp_path):
    """No 5xx but 503, the server stays up, and those who are slow do not hold up the others."""
    requests = hostile_requests(400)
    assert {kind for kind, _ in requests} == set(KINDS)
    with serving(tmp_path, "--checkpoint", checkpoint, "--most-megabytes", 4) as (process, client):
        with ThreadPoolExecutor(16) as executor:
            answers = list(executor.map(lambda one: send(client.port, *one, 3), requests))
            for (kind, content), answer in zip(requests, answers, strict=True):
                assert answer.status is None or answer.status < 500 or answer.status == 503, (
                    kind, answer.status, content[:200])
        assert client.post("/api/predict", [("a.png", png())]).status == 200
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=SECONDS)
        assert process.returncode == 0 and "Traceback" not in err


@pytest.mark.slow
def test_a_folder_of_checkpoints(checkpoint, tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    for name in ("first.pth", "second.pth", "unfinished_x.pth"):
        (folder / name).write_bytes(checkpoint.read_bytes())
    with serving(tmp_path, "--checkpoint", folder) as (_, client):
        assert client.send("GET", "/health").json["models"] == ["first", "second"]
        assert client.post("/api/predict", [("a.png", png())]).json["model"] == "first"
        chosen = client.post("/api/predict", [("a.png", png())], model="second")
        assert chosen.json["model"] == "second"
        assert b'<option>second</option>' in client.send("GET", "/").body


@pytest.mark.slow
def test_the_api_keeps_to_its_description(checkpoint, tmp_path):
    """schemathesis makes requests from /api/openapi.json: no 5xx, no undocumented answer."""
    pytest.importorskip("schemathesis")
    with serving(tmp_path, "--checkpoint", checkpoint, "--most-megabytes", 1, "--most-files", 4,
                 "--collect", tmp_path / "kept") as (_, client):
        _follow_the_description(client, tmp_path)
        assert client.post("/api/predict", [("a.png", png())]).status == 200


def _follow_the_description(client, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", f"{client.url}/api/openapi.json",
         "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,"
         "response_schema_conformance", "--max-examples", "25", "--seed", "1",
         "--request-timeout", str(SECONDS), "--suppress-health-check", "all"],
        capture_output=True, text=True, encoding="utf-8", cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
