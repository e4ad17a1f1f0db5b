"""Pictures from archives, fetched as a user does, from a server here that answers as they do."""

import csv
import functools
import socket
import threading
import time
from urllib.parse import quote

import pytest
from archive_site import busy_first, leads_to, make_site, picture, reply, table
from conftest import content_of, run, start

from celestial.common.files import sha256_of

MOST = 0.05  # megabytes
LONG = "ä" * 900 + "/../" + "x" * 900
HOSTILE = "../../x"
QUICK = ("--seconds-between", "0.01", "--most-megabytes", MOST, "--workers", "1")


def pictures_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")
                  if path.is_file() and path.name != "sources.csv")


@pytest.fixture(scope="module")
def fetched(network, tmp_path_factory):
    """One run that meets whatever an archive may answer: its folder, its end, the server."""
    site = make_site(network)
    site.add_nasa("mars", "PIA01", picture("mars", 1), secondary_creator="NASA/JPL-Caltech",
                  title="=Mars\n from <b>afar</b>")
    site.add_nasa("mars", "PIA02", busy_first(picture("mars", 2), 429, Retry_After="1"))
    site.add_nasa("mars", HOSTILE, picture("mars", 3))
    site.add_nasa("mars", LONG, picture("mars", 4))
    site.add_nasa("mars", "PIA05", picture("mars", 5), title="Mars rover at work")
    site.add_nasa("mars", "PIA06", "<html>no picture</html>")
    site.add_nasa("mars", "PIA07", picture("mars", 1, side=70, kind="JPEG"))
    site.add_nasa("mars", "PIA08", bytes(60_000), smaller=bytes(50_001))
    unknown = functools.partial(reply, content=bytes(900_000), length=False)
    site.add_nasa("mars", "PIA09", unknown, smaller=unknown)
    site.add_nasa("mars", "PIA10", leads_to("file:///etc/hostname"))
    site.add_nasa("mars", "PIA11", picture("mars", 11), description="Copyright 2001 A. Person")
    site.add_nasa("mars", "PIA12", busy_first(picture("mars", 12), 503))
    site.add_nasa("mars", "PIA13", lambda handler: handler.send_error(404))
    site.add_nasa("mars", "PIA14", leads_to("/elsewhere.png"))
    site.answers["/elsewhere.png"] = picture("mars", 14)
    site.add_nasa("mars", "PIA15", picture("mars", 15)[:3000])
    site.add_nasa("mars", "PIA16", picture("mars", 16), media_type="video")
    site.add_nasa("mars", "PIA17", bytes(60_000), smaller=picture("mars", 17))
    site.nasa += [("mars", {"data": "nonsense"}), ("mars", None)]
    site.add_hubble("heic01", picture("mars", 21), "Mars in spring")
    site.add_hubble("heic02", picture("mars", 22), "Mars as somebody drew it", observed=False)
    site.add_hubble("heic03", picture("mars", 23), "Mars again", rights="All rights reserved")
    site.add_hubble("heic04", picture("mars", 24), "A planet in autumn", names=["Mars"])
    for number in range(4):
        site.add_nasa("saturn", f"S{number}", picture("saturn", 30 + number))
    folder = tmp_path_factory.mktemp("fetched")
    done = run("fetch_pictures.py", "--classes", "mars", "saturn", "--per-class", 30, *QUICK,
               cwd=folder)
    assert done.status == 0, done.out + done.err
    return folder, done, site


def test_every_candidate_has_its_row(fetched):
    folder, _, _ = fetched
    status = {row["id"]: row["status"] for row in table(folder) if row["class"] == "mars"}
    assert status == {
        "PIA01": "kept", "PIA02": "kept", HOSTILE: "kept", LONG: "kept", "PIA06": "unreadable",
        "PIA07": "near-copy", "PIA08": "too large", "PIA09": "too large", "PIA10": "failed",
        "PIA11": "licence", "PIA12": "kept", "PIA13": "failed", "PIA14": "kept",
        "PIA15": "unreadable", "PIA17": "kept", "heic01": "kept",
        "heic03": "licence", "heic04": "kept"}
    reason = {row["id"]: row["reason"] for row in table(folder)}
    assert reason["PIA07"] == "near-copy of mars/nasa_PIA01.png"
    assert "web page" in reason["PIA06"] and "0.05 MB" in reason["PIA09"]
    assert "not http" in reason["PIA10"] and "404" in reason["PIA13"]
    assert not any(reason[row["id"]] for row in table(folder) if row["status"] == "kept")


def test_what_a_row_says(fetched):
    folder, _, site = fetched
    rows = {row["id"]: row for row in table(folder)}
    assert list(rows["PIA01"]) == ["path", "class", "archive", "id", "title", "credit", "licence",
                                   "page", "file", "sha256", "date", "status", "reason"]
    first, second = rows["PIA01"], rows["heic01"]
    assert first["title"] == "'=Mars from afar", "one line, no tags, no formula"
    assert first["credit"] == "NASA/JPL-Caltech" and rows["PIA02"]["credit"] == "NASA/JPL"
    assert first["licence"].startswith("NASA media usage guidelines https://www.nasa.gov/")
    assert first["page"] == "https://images.nasa.gov/details/PIA01"
    assert first["file"] == f"{site.url}/image/0/0~medium.png" and first["date"].endswith("+00:00")
    assert second["credit"] == "NASA & ESA" and second["licence"].startswith("CC BY 4.0 ")
    assert second["page"] == "https://esahubble.org/images/heic01/"
    assert rows["PIA13"]["file"], "a failed download says which address"
    assert rows["PIA11"]["licence"] == "" and rows["heic03"]["licence"] == "All rights reserved"
    for row in rows.values():
        if row["status"] == "kept":
            assert sha256_of(folder / "data/input" / row["path"]) == row["sha256"]


def test_pictures_lie_in_their_class_folders_and_nowhere_else(fetched):
    folder, done, _ = fetched
    kept = sorted("data/input/" + row["path"] for row in table(folder) if row["status"] == "kept")
    assert pictures_in(folder) == kept and len(kept) == 13
    assert not (folder.parent / "x").exists() and not (folder / "x").exists()
    for path in kept:
        assert path.count("/") == 3 and path.isascii() and len(path) < 160
    assert done.result["classes"] == {"mars": 9, "saturn": 4} and done.result["fetched"] == 13
    assert "of 30" in done.out and all((folder / path).exists() for path in done.result["files"])


def test_the_server_is_asked_no_more_than_needed(fetched):
    _, _, site = fetched
    downloads = site.asked("~") + site.asked("/archives/") + site.asked("/elsewhere")
    twice = {path for path, count in downloads.items() if count > 1}
    assert twice == {"/image/1/1~medium.png", "/image/11/11~medium.png"}, "the two busy ones"
    assert not site.asked("~orig") and not site.asked("image/4/"), "the rover is no candidate"
    assert site.asked("/images/d2d/") == {"/images/d2d/": 2}, "both pages, once for all classes"
    assert len(site.asked("/asset/PIA11")) == 0, "not for what its licence forbids"
    assert {agent for _, _, agent in site.log} == {site.log[0][2]}
    assert "celestial" in site.log[0][2]


def test_retry_after_is_waited_for(fetched):
    _, _, site = fetched
    first, second = [moment for moment, path, _ in site.log if path == "/image/1/1~medium.png"]
    assert second - first >= 1


def test_datapre_runs_on_what_was_fetched(fetched):
    folder, _, _ = fetched
    before = content_of(folder / "data/input")
    done = run("datapre.py", "--workers", "1", cwd=folder)
    assert done.status == 0, done.out + done.err
    assert done.result["pictures"] == 13 and done.result["near_copies"] == 0
    with (folder / "data/celestial_dataset/rejected.csv").open(encoding="utf-8-sig") as file:
        assert not list(csv.DictReader(file)), "the table of sources is no picture left out"
    assert content_of(folder / "data/input") == before


@pytest.fixture
def mars(network):
    """A site with six pictures of Mars."""
    site = make_site(network)
    site.files = [site.add_nasa("mars", f"PIA{number}", picture("mars", 40 + number))
                  for number in range(6)]
    return site


@pytest.mark.slow
def test_a_killed_run_goes_on_and_what_was_deleted_stays_away(mars, tmp_path):
    options = ("--classes", "mars", "--sources", "nasa", "--per-class", 4, *QUICK)
    third, reached, go_on = mars.answers[mars.files[2]], threading.Event(), threading.Event()

    def hang(handler):
        reached.set()
        go_on.wait(30)

    mars.answers[mars.files[2]] = hang
    process = start("fetch_pictures.py", *options, cwd=tmp_path)
    assert reached.wait(30)
    process.kill()
    process.communicate()
    go_on.set()
    mars.answers[mars.files[2]] = third
    assert [row["status"] for row in table(tmp_path)] == ["kept", "kept"]
    first = content_of(tmp_path / "data/input/mars")

    done = run("fetch_pictures.py", *options, cwd=tmp_path)
    assert done.status == 0 and done.result["fetched"] == 2, done.err
    assert mars.asked("~") == {**dict.fromkeys(mars.files[:4], 1), mars.files[2]: 2}
    assert first.items() <= content_of(tmp_path / "data/input/mars").items()

    asked, before = len(mars.log), content_of(tmp_path)
    assert run("fetch_pictures.py", *options, cwd=tmp_path).result["fetched"] == 0
    assert len(mars.log) == asked and content_of(tmp_path) == before, "nothing was left to do"

    # The user deletes one; of another one the row was lost by a kill after its file was written.
    (tmp_path / "data/input/mars/nasa_PIA1.png").unlink()
    lines = (tmp_path / "data/input/sources.csv").read_bytes().splitlines(keepends=True)
    (tmp_path / "data/input/sources.csv").write_bytes(
        b"".join(line for line in lines if b"PIA3" not in line))
    # And a half-written file lies there, which would be a copy of its own picture.
    (tmp_path / "data/input/mars/.nasa_PIA4.png.tmp").write_bytes(picture("mars", 44))
    mine = tmp_path / "data/input/mars/nasa_PIA5.png"
    mine.write_bytes(b"somebody else's")
    assert run("fetch_pictures.py", *options, cwd=tmp_path).status == 0
    status = {row["id"]: row["status"] for row in table(tmp_path)}
    assert status == {"PIA0": "kept", "PIA1": "removed", "PIA2": "kept", "PIA3": "kept",
                      "PIA4": "kept"}
    assert mars.asked("~") == {**dict.fromkeys(mars.files[:5], 1), mars.files[2]: 2}
    done = run("fetch_pictures.py", *options, "--per-class", 5, cwd=tmp_path)
    assert done.result["pictures"] == 4 and mine.read_bytes() == b"somebody else's"


@pytest.mark.slow
def test_two_runs_at_once_keep_each_others_rows(mars, tmp_path):
    options = ("--classes", "mars", "--sources", "nasa", *QUICK)
    second, reached, go_on = mars.answers[mars.files[1]], threading.Event(), threading.Event()

    def hang(handler):
        reached.set()
        go_on.wait(60)
        reply(handler, second)

    mars.answers[mars.files[1]] = hang
    one = start("fetch_pictures.py", *options, "--per-class", 3, cwd=tmp_path)
    assert reached.wait(30)
    two = start("fetch_pictures.py", *options, "--per-class", 6, cwd=tmp_path)
    while "waiting for its end" not in (line := two.stdout.readline()):
        assert line, two.stderr.read()
    go_on.set()
    for process in (one, two):
        assert process.wait(60) == 0, process.stderr.read()
    assert [row["status"] for row in table(tmp_path)] == ["kept"] * 6
    assert mars.asked("~") == dict.fromkeys(mars.files, 1), "none was fetched twice"


def test_without_a_network_it_is_one_sentence(network, tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
        network.setenv("CELESTIAL_NASA_URL", address)
        network.setenv("CELESTIAL_ESAHUBBLE_URL", address)
        done = run("fetch_pictures.py", "--classes", "mars", *QUICK, cwd=tmp_path)
    assert done.status == 1 and "cannot be reached" in done.error and "network" in done.error
    assert "RESULT" not in done.out and not (tmp_path / "data").exists()


def test_one_archive_is_down_and_the_other_serves(mars, network, tmp_path):
    mars.answers["/down/images/d2d/"] = lambda handler: handler.send_error(500)
    network.setenv("CELESTIAL_ESAHUBBLE_URL", f"{mars.other_url}/down")
    done = run("fetch_pictures.py", "--classes", "mars", "--per-class", 3, *QUICK, cwd=tmp_path)
    assert done.status == 0 and done.result["pictures"] == 3
    assert "esahubble did not answer to the end" in done.out and "500" in done.out
    assert len([path for path in mars.log if path[1] == "/down/images/d2d/"]) == 5


def test_a_table_of_somebody_else_is_left_alone(mars, tmp_path):
    foreign = tmp_path / "data/input/sources.csv"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("path,note\n")
    done = run("fetch_pictures.py", "--classes", "mars", *QUICK, cwd=tmp_path)
    assert done.status == 1 and "sources.csv" in done.error
    assert foreign.read_text() == "path,note\n" and not mars.log


@pytest.mark.parametrize("options", [
    ("--classes", "../mars"), ("--classes", ".mars"), ("--classes", "a/b"), ("--per-class", "0"),
    ("--sources", "wikipedia"), ("--seconds-between", "-1"), ("--most-megabytes", "0"),
    ("--output-dir", "a file"),
], ids=" ".join)
def test_wrong_options(options, tmp_path):
    (tmp_path / "a file").touch()
    done = run("fetch_pictures.py", *options, cwd=tmp_path)
    assert done.status == 2 and "Traceback" not in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["a file"]


def test_a_mirror_needs_an_address(network, tmp_path):
    network.setenv("CELESTIAL_NASA_URL", "file:///tmp")
    done = run("fetch_pictures.py", cwd=tmp_path)
    assert done.status == 2 and "CELESTIAL_NASA_URL" in done.error


def test_help_answers_at_once_and_names_what_it_needs(tmp_path):
    begun = time.monotonic()
    done = run("fetch_pictures.py", "--help", cwd=tmp_path)
    assert done.status == 0 and "python fetch_pictures.py" in done.out
    assert "CELESTIAL_NASA_URL" in done.out and "star_cluster" in done.out
    assert time.monotonic() - begun < 5, "no torch, no requests"


def test_ids_are_quoted_in_addresses(fetched):
    folder, _, _ = fetched
    rows = {row["id"]: row for row in table(folder)}
    assert rows[HOSTILE]["page"].endswith("/details/" + quote(HOSTILE, safe=""))
