"""Corrections on the page: what is stored, and everything that must not be (--collect)."""

import csv
import errno
import hashlib
import html
import io
import threading
from unittest import mock

import pytest
from conftest import content_of, draw
from PIL import Image, PngImagePlugin
from web_played import Network, decoded

from celestial.filing.collecting import CollectingFolder
from celestial.inference.predictor import Prediction
from celestial.web import corrections, worker
from celestial.web.application import create_app
from celestial.web.safety import Limits, Pace
from celestial.web.words import WORDS

HEADER = {"X-Celestial-Page": "1"}


def png(number: int = 1) -> bytes:
    """Return a picture with a secret in its metadata."""
    file, text = io.BytesIO(), PngImagePlugin.PngInfo()
    text.add_text("Comment", "secret")
    Image.fromarray(draw("mars", number)).save(file, format="PNG", pnginfo=text)
    return file.getvalue()


def make_client(tmp_path, collecting):
    """Return a client of the application, whose network says mars of everything."""
    network = Network(threading.Event())
    network.gate.set()
    network.path = tmp_path / "model.pth"
    network.path.write_bytes(b"weights")
    return create_app({"first": network}, Limits(megabytes=1), collecting=collecting).test_client()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "kept"


@pytest.fixture
def client(tmp_path, folder):
    with mock.patch.object(worker, "start_decoding", decoded):
        client = make_client(tmp_path, CollectingFolder(folder))
        yield client
        client.application.extensions["celestial"].close()


def post(client, correction="saturn", files=None, headers=HEADER, **fields):
    files = [(png(), "a.png")] if files is None else files
    return client.post("/api/correct", headers=headers, content_type="multipart/form-data", data={
        "file": [(io.BytesIO(data), name) for data, name in files], "correction": correction,
        **fields})


def rows(folder):
    with (folder / "corrections.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def pictures(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/*"))


def test_a_corrected_picture_is_stored_without_its_metadata_and_has_a_row(client, folder):
    # The server answers the picture itself; what a visitor says was answered is not read.
    answer = post(client, answer="uranus", probability="1", model_sha256="f" * 64)
    assert answer.status_code == 200 and pictures(folder) == ["saturn/a.png"]
    stored = (folder / "saturn/a.png").read_bytes()
    assert b"secret" in png() and b"secret" not in stored
    row, = rows(folder)
    assert row["answer"] == "mars" and float(row["probability"]) == 0.75
    assert row["correction"] == "saturn"
    assert row["sha256_sent"] == hashlib.sha256(png()).hexdigest()
    assert row["sha256_stored"] == hashlib.sha256(stored).hexdigest()
    assert row["model_sha256"] == hashlib.sha256(b"weights").hexdigest()
    assert answer.json == {"correction": "saturn", "known": False, "cleaned": True,
                           "sha256_sent": row["sha256_sent"],
                           "sha256_stored": row["sha256_stored"]}
    assert post(client).json["known"] and len(rows(folder)) == 1


@pytest.mark.parametrize(("written", "place"), [
    ("mars", "mars"), (" Mars ", "mars"), ("none_of_the_classes", "none_of_the_classes"),
    ("Ceres 1", "Ceres 1"), ("哈雷彗星", "哈雷彗星")])
def test_right_none_and_new_classes(client, folder, written, place):
    assert post(client, written).json["correction"] == place
    assert pictures(folder) == [f"{place}/a.png"]


@pytest.mark.parametrize(("change", "status", "reason"), [
    ({"headers": {}}, 403, "another site"),
    ({"headers": HEADER | {"Sec-Fetch-Site": "cross-site"}}, 403, "another site"),
    ({"headers": HEADER | {"Sec-Fetch-Site": "same-site"}}, 403, "another site"),
    ({"correction": ""}, 400, "name of a class"), ({"correction": "../up"}, 400, "name of a class"),
    ({"correction": "train"}, 400, "name of a class"),
    ({"correction": "unknown"}, 400, "name of a class"),
    ({"correction": "x" * 300}, 400, "name of a class"),
    ({"model": "second"}, 400, "no such model"), ({"files": []}, 400, "no file"),
    ({"files": [(png(), "a.png")] * 2}, 400, "at most 1"),
    ({"files": [(png()[:60], "a.png")]}, 422, "cannot be stored without"),
    ({"files": [(b"x" * 2_000_000, "a.png")]}, 413, "")])
def test_what_is_refused_leaves_nothing(client, folder, change, status, reason):
    before = content_of(folder)
    answer = post(client, **change)
    assert answer.status_code == status and reason in answer.json["error"]["reason"]
    assert content_of(folder) == before


def test_a_browser_that_asks_for_another_site_is_not_allowed(client):
    answer = client.options("/api/correct", headers={
        "Origin": "https://evil.example", "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-celestial-page"})
    assert not [name for name in answer.headers.keys() if name.startswith("Access-Control")]
    assert client.get("/api/correct").status_code == 405
    assert client.post("/api/correct", json={}, headers=HEADER).status_code == 415


def test_what_is_no_picture_is_not_stored(client, folder):
    failed = worker.Answer(Prediction(folder, None, (), reason="not a picture"))
    service = client.application.extensions["celestial"]
    with mock.patch.object(service.worker, "answer", return_value=[failed]):
        answer = post(client)
    assert answer.status_code == 422 and answer.json["error"]["reason"] == "not a picture"
    assert not pictures(folder)


@pytest.mark.parametrize(("number", "status", "reason"), [
    (errno.ENOSPC, 507, "no space"), (errno.EDQUOT, 507, "no space"),
    (errno.EROFS, 500, "cannot write"), (errno.EACCES, 500, "cannot write")])
def test_a_folder_that_takes_nothing(client, folder, number, status, reason):
    with mock.patch("pathlib.Path.write_bytes", side_effect=OSError(number, "no", "/secret/path")):
        answer = post(client)
    assert answer.status_code == status and reason in answer.json["error"]["reason"]
    assert "/" not in answer.json["error"]["reason"] and not pictures(folder) and not rows(folder)


def test_a_table_that_somebody_changed(client, folder):
    (folder / "corrections.csv").write_text("something else\n", encoding="utf-8")
    answer = post(client)
    assert answer.status_code == 500 and "table of corrections" in answer.json["error"]["reason"]
    assert str(folder) not in answer.json["error"]["reason"] and not pictures(folder)


def test_no_faster_than_a_person(client, folder):
    client.application.extensions["celestial"].corrections.pace = Pace(2)
    answers = [post(client, files=[(png(number), "a.png")]).status_code for number in range(3)]
    assert answers == [200, 200, 429] and len(pictures(folder)) == 2


def test_a_stranger_does_not_fill_the_disk(client, folder, monkeypatch):
    assert post(client).status_code == 200
    held = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    monkeypatch.setattr(corrections, "MOST_HELD", held + len(png(2)) // 2)
    answer = post(client, files=[(png(2), "b.png")])
    assert answer.status_code == 507 and pictures(folder) == ["saturn/a.png"]
    (folder / "saturn/a.png").unlink()
    assert post(client, files=[(png(2), "b.png")]).status_code == 200


@pytest.mark.parametrize("language", ["en", "zh", "ko"])
def test_the_page_says_what_is_stored(client, tmp_path, language):
    words = WORDS[language]
    page = client.get(f"/?lang={language}").text
    assert f">{words['private_collecting']}</p>" in page and words["no_correcting"] in page
    assert f">{words['private']}</p>" not in page and 'data-correct="/api/correct"' in page
    assert "/api/correct" in client.get("/api/openapi.json").json["paths"]
    without_script = client.post(f"/predict?lang={language}", content_type="multipart/form-data",
                                 data={"file": (io.BytesIO(png()), "a.png")}).text
    assert words["no_correcting"] in without_script
    off = make_client(tmp_path, None)
    page = html.unescape(off.get(f"/?lang={language}").text)
    assert f">{words['private']}</p>" in page and f">{words['private_collecting']}</p>" not in page
    assert words["no_correcting"] not in page.partition("</script>")[2]
    assert post(off).status_code == 404
    assert "/api/correct" not in off.get("/api/openapi.json").json["paths"]
    off.application.extensions["celestial"].close()
