"""Prediction on a Ray cluster of two nodes on this machine: each picture once, whatever is lost."""

import os
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from conftest import CLASSES, Done, command, draw, environment, run, start
from PIL import Image

from celestial.common.console import SHIPPED
from celestial.common.tables import read_csv

ray = pytest.importorskip("ray", reason="pip install -r tests/requirements.txt")
from pyarrow import fs, parquet  # noqa: E402 (ray brings it)
from ray.cluster_utils import Cluster  # noqa: E402

from celestial.common.remote_folders import Folder  # noqa: E402

pytestmark = pytest.mark.slow

PICTURES = 60
VIEWS = 2  # their temperature must come with the checkpoint
PLAN, RUN = "plan.parquet", "run.json"


@pytest.fixture(scope="module")
def cluster():
    """A head and another node, a core each."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    found.second = found.add_node(num_cpus=1)
    yield found
    found.shutdown()


@pytest.fixture(scope="module")
def checkpoint() -> Path:
    """The weights that ship: their answers differ from picture to picture."""
    return SHIPPED


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    """Drawn pictures in sub-folders, one that is none, and one with a name that is not UTF-8."""
    folder = tmp_path_factory.mktemp("survey") / "pictures"
    for number in range(PICTURES):
        place = folder / f"night {number % 7}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw(CLASSES[number % 3], number)).save(place / f"{number} é.png")
    (folder / "a note.png").write_text("no picture")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.png")).write_bytes(
        (folder / "night 0" / "0 é.png").read_bytes())
    return folder


@pytest.fixture(scope="module")
def expected(pictures, checkpoint, tmp_path_factory) -> dict[str, dict]:
    """What the same pictures are without Ray."""
    base = tmp_path_factory.mktemp("without_ray")
    done = run("predict_my_images.py", pictures, "--checkpoint", checkpoint, "--no-pictures",
               "--views", VIEWS, cwd=base)
    assert done.status == 0, done.err
    rows = read_csv(base / "my_predictions/batch_prediction_summary.csv")
    return {row["filename"]: row for row in rows}


def options(pictures: object, checkpoint: Path, cluster: Cluster, out: object) -> list[str]:
    return [str(option) for option in (
        pictures, "--checkpoint", checkpoint, "--engine", "ray", "--ray-address", cluster.address,
        "--workers", 1, "--views", VIEWS, "--output-dir", out)]


def rows_in(folder: Folder) -> list[dict]:
    """Return all rows in the order of the parts."""
    names = [name for name in folder.names() if name not in (PLAN, RUN)]
    assert all(name.startswith("part-") for name in names), names
    return [row for name in names for row in parquet.read_table(
        folder.system.open_input_file(folder.inside(name))).to_pylist()]


def assert_each_once(rows: list[dict], expected: dict[str, dict]) -> None:
    assert Counter(row["filename"] for row in rows) == Counter(list(expected))
    for row in rows:
        other = expected[row["filename"]]
        assert (row["status"], row["prediction"], row["reason"]) == (
            other["status"], other["prediction"], other["reason"])
        if row["status"] != "failed":
            assert row["confidence"] == pytest.approx(float(other["confidence"]), abs=1.1e-3)
            found = [value for name, value in row.items() if name.startswith("probability_")]
            assert max(found) == row["confidence"] and sum(found) == pytest.approx(1, abs=1e-5)


def test_same_answers_and_a_restart_does_what_is_left(pictures, checkpoint, expected, cluster,
                                                      tmp_path):
    out = tmp_path / "answers"
    given = options(pictures, checkpoint, cluster, out)
    done = run("predict_my_images.py", *given, cwd=tmp_path)
    assert done.status == 0, done.err
    assert "2 predictors of 1 cores" in done.out
    assert done.result["rows"] == len(expected) and done.result["failed"] == 1
    assert_each_once(rows_in(Folder.at(str(out))), expected)
    assert not list(out.glob(".*")), "something half-written was left"

    again = run("predict_my_images.py", *given, cwd=tmp_path)
    assert again.status == 2 and "--resume" in again.error

    (out / "part-0000001.parquet").unlink()
    Image.fromarray(draw("mars", 99)).save(pictures / "arrived later.png")
    kept = {path.name: path.stat().st_mtime_ns for path in out.glob("part-*")}
    resumed = run("predict_my_images.py", *given, "--resume", cwd=tmp_path)
    (pictures / "arrived later.png").unlink()
    assert resumed.status == 0, resumed.err
    assert resumed.result["rows"] == len(expected) + 1
    rows = [row for row in rows_in(Folder.at(str(out))) if row["filename"] != "arrived later.png"]
    assert len(rows) == len(expected)
    assert_each_once(rows, expected)
    assert kept == {name: (out / name).stat().st_mtime_ns for name in kept}, "done again"

    other = run("predict_my_images.py", *options(pictures / "night 0", checkpoint, cluster, out),
                "--resume", cwd=tmp_path)
    assert other.status == 2 and "another checkpoint or folder" in other.error


@pytest.fixture
def bucket():
    """A bucket of a server that speaks S3, and the parameters that lead to it."""
    pytest.importorskip("moto", reason="pip install -r tests/requirements.txt")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p",
                               str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    reach = {"endpoint_override": f"127.0.0.1:{port}", "scheme": "http", "region": "us-east-1"}
    storage = fs.S3FileSystem(access_key="key", secret_key="word", allow_bucket_creation=True,
                              **reach)
    ends = time.monotonic() + 60
    while True:
        try:
            storage.create_dir("sky")
            break
        except OSError:
            assert time.monotonic() < ends, "the server does not answer"
    yield "s3://key:word@sky/{}?" + "&".join(f"{name}={value}" for name, value in reach.items())
    server.kill()
    server.wait()


def test_from_one_folder_of_a_bucket_into_another(pictures, checkpoint, expected, cluster, bucket,
                                                  tmp_path):
    source, out = bucket.format("survey"), bucket.format("survey/answers")
    names = [name for name in expected if "\\" not in name]  # names in S3 are UTF-8
    stored = Folder.at(source)
    for name in names:
        stored.write(name, lambda file, name=name: file.write((pictures / name).read_bytes()))
    done = run("predict_my_images.py", *options(source, checkpoint, cluster, out), cwd=tmp_path)
    assert done.status == 0, done.err
    assert_each_once(rows_in(Folder.at(out)), {name: expected[name] for name in names})
    assert stored.names(leave_out=Folder.at(out)) == sorted(names), "the survey was changed"

    resumed = run("predict_my_images.py", *options(source, checkpoint, cluster, out), "--resume",
                  cwd=tmp_path)
    assert resumed.status == 0 and "0 files are left" in resumed.out, resumed.err


def test_a_node_killed_in_the_middle_costs_no_picture(pictures, checkpoint, expected, cluster,
                                                      tmp_path):
    many, out = tmp_path / "many", tmp_path / "answers"
    (many / "links").mkdir(parents=True)
    names = sorted(name for name in expected if "\\" not in name)
    wanted = {}
    for number in range(600):
        name = f"links/{number:04d}.png"
        (many / name).symlink_to(pictures / names[number % len(names)])
        wanted[name] = expected[names[number % len(names)]]
    process = start("predict_my_images.py", *options(many, checkpoint, cluster, out), cwd=tmp_path)
    ends = time.monotonic() + 300
    while len(list(out.glob("part-*"))) < 2:
        assert process.poll() is None and time.monotonic() < ends, process.communicate()
        time.sleep(0.05)
    cluster.remove_node(cluster.second, allow_graceful=False)
    before = len(list(out.glob("part-*")))
    output, errors = process.communicate(timeout=300)
    done = Done(process.returncode, output, errors)
    assert done.status == 0, done.err
    assert before < len(list(out.glob("part-*"))), "nothing was left to do"
    assert done.result["rows"] == len(wanted)
    assert_each_once(rows_in(Folder.at(str(out))), wanted)


@pytest.mark.parametrize("given, words", [
    (("s3://bucket/folder",), "s3://bucket/folder needs --engine ray"),
    (("--ray-address", "127.0.0.1:1"), "127.0.0.1:1 needs --engine ray"),
    (("--engine", "ray", "ftp://there/folder"), "write a path, s3://bucket/folder or gs://"),
    (("--engine", "ray", "nowhere"), "there is no folder nowhere"),
])
def test_a_wrong_place_is_one_sentence(given, words, checkpoint, tmp_path):
    done = run("predict_my_images.py", *given, "--checkpoint", checkpoint, cwd=tmp_path)
    assert done.status in (1, 2) and words in done.err and "Traceback" not in done.err


def test_no_ray_and_no_cluster_are_one_sentence(pictures, checkpoint, tmp_path):
    for address in ("127.0.0.1:1", "nowhere", "127.0.0.1:x"):
        nobody = run("predict_my_images.py", pictures, "--engine", "ray", "--ray-address", address,
                     "--checkpoint", checkpoint, cwd=tmp_path)
        assert nobody.status == 2 and f"no Ray cluster answers at {address}: " in nobody.error
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden/ray.py").write_text("raise ModuleNotFoundError(name='ray')")
    done = subprocess.run(
        command("predict_my_images.py", pictures, "--engine", "ray", "--checkpoint", checkpoint),
        env={**environment(tmp_path), "PYTHONPATH": str(tmp_path / "hidden")}, cwd=tmp_path,
        capture_output=True, text=True)
    assert done.returncode == 2 and "requirements-ray.txt" in done.stderr
    assert "Traceback" not in done.stderr
