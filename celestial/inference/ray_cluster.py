"""Predicts on a Ray cluster: a plan of parts, and a parquet file for each part.

The plan says which file belongs to which part, and is written before anything else. A part's file
is named by its place in the plan and appears whole or not at all. So every picture has one row in
the end, even if a worker, a node or the whole run is lost and its parts are predicted again.
"""

import argparse
import json
import logging
import os
import secrets
import socket
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from celestial.common.console import ROOT, UserError
from celestial.common.file_names import path_named
from celestial.common.ordered_work import in_order
from celestial.pictures.loader import MOST_BYTES

if TYPE_CHECKING:
    from celestial.inference.predictor import Prediction

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would report it to its makers
os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # Ray retries the others itself
try:
    import pyarrow as pa
    import ray
    from pyarrow import dataset, parquet

    from celestial.common.remote_folders import Folder
except ModuleNotFoundError as error:
    raise UserError("--engine ray needs Ray; run pip install -r requirements-ray.txt",
                    status=2) from error

PLAN = "plan.parquet"  # a row group for each part
RUN = "run.json"
LARGEST_PART = 1000  # pictures; so many are predicted again where a worker is lost
SMALLEST_PART = 16
SECONDS_TO_ANSWER = 10  # of a cluster's head
PARTS_EACH = 4  # parts for each predictor, so that all end at about the same time
FETCHED_AT_ONCE = 16  # files that are being fetched from a storage


@dataclass(frozen=True)
class Resources:
    """What each predictor takes of a cluster, and how many predictors there are room for.

    Attributes:
        cores: CPU cores.
        gpus: 0 or 1.
        predictors: on all nodes together.
    """

    cores: int
    gpus: int
    predictors: int


def connect(address: str | None) -> None:
    """Join a cluster, or start one on this machine alone where there is no address.

    Raises:
        UserError: there is no cluster at the address, or none can be started.
    """
    if not address:  # a key for this cluster; else Ray keeps one in the home, and needs a home
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    try:
        if address:
            _require_listening(address)
        ray.init(address or "local", include_dashboard=None if address else False,
                 log_to_driver=False, logging_level=logging.ERROR,
                 runtime_env={"py_modules": [str(ROOT / "celestial")]})
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        if not address:
            raise UserError(f"Ray cannot be started here: {reason}; leave --engine ray out"
                            ) from error
        raise UserError(f"no Ray cluster answers at {address}: {reason}; start one with ray start "
                        "--head, or leave --ray-address out", status=2) from error


def _require_listening(address: str) -> None:
    """Raise OSError where nothing listens at HOST:PORT, because Ray would try for minutes."""
    place = urlsplit(f"//{address.rpartition('://')[2]}")
    if place.port is None:
        raise ValueError("HOST:PORT is wanted")
    socket.create_connection((place.hostname, place.port), timeout=SECONDS_TO_ANSWER).close()


def leave() -> None:
    """Leave the cluster, or end the one that was started here; Ray prints nothing after that."""
    ray.shutdown()


def resources_for_predictors(workers: int, device: str) -> Resources:
    """Divide the cluster into predictors of `workers` cores, and one GPU each where there are any.

    Raises:
        UserError: the cluster has nothing to compute with.
    """
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    most = max((int(node.get("CPU", 0)) for node in nodes), default=0)
    if most == 0:
        raise UserError("no node of the Ray cluster offers a CPU; start one with ray start")
    if workers > most:
        print(f"no node has {workers} cores; each predictor takes {most}")
    cores, gpus = min(workers, most), int(device != "cpu" and any("GPU" in node for node in nodes))
    room = sum(min(int(node.get("CPU", 0) // cores), int(node.get("GPU", 0)) if gpus else most)
               for node in nodes)
    if room == 0:
        raise UserError(f"no node of the Ray cluster has a GPU and {cores} cores; give --workers a "
                        "smaller number or say --device cpu", status=2)
    return Resources(cores, gpus, room)


def require_same_run(output: Folder, run: dict, resume: bool) -> None:
    """Require that the output folder holds no results, or some that this run may add to.

    Raises:
        UserError: it holds results of another run, or of this one without `resume`.
    """
    if output.has(RUN):
        if json.loads(output.read(RUN)) != run:
            raise UserError(f"{output.address} holds results of another checkpoint or folder, "
                            "or of another number of --views; name another --output-dir", status=2)
        if not resume:
            raise UserError(f"{output.address} holds results of such a run; go on with --resume, "
                            "or name another --output-dir", status=2)


def make_plan(output: Folder, run: dict, names: Sequence[str], predictors: int) -> list[int]:
    """Divide the files into parts, those of an earlier plan first; return the parts' sizes.

    Args:
        output: keeps the plan.
        run: which pictures and checkpoint the results will be of; noted beside the plan.
        names: of all files, in order.
        predictors: how many compute at the same time.
    """
    output.write(RUN, lambda file: file.write(json.dumps(run).encode()))
    before = []
    if output.has(PLAN):
        plan = parquet.ParquetFile(output.system.open_input_file(output.inside(PLAN)))
        before = [plan.read_row_group(part) for part in range(plan.num_row_groups)]
    planned = {name for part in before for name in part["filename"].to_pylist()}
    fresh = [name for name in names if name not in planned]
    size = min(LARGEST_PART, max(SMALLEST_PART, -(-len(fresh) // (PARTS_EACH * predictors))))
    parts = before + [pa.table({"filename": pa.array(fresh[start:start + size], pa.string())})
                      for start in range(0, len(fresh), size)]

    def fill(file) -> None:
        with parquet.ParquetWriter(file, parts[0].schema) as writer:
            for part in parts:
                writer.write_table(part)

    if fresh:
        output.write(PLAN, fill)
    return [part.num_rows for part in parts]


def part_name(number: int) -> str:
    """Return the name of a part's file."""
    return f"part-{number:07d}.parquet"


def parts_left(output: Folder, count: int) -> list[int]:
    """Return which of the plan's `count` parts have no file yet."""
    there = set(output.names())
    return [part for part in range(count) if part_name(part) not in there]


def predict_parts(parts: Sequence[int], resources: Resources, checkpoint: Path, source: Folder,
                  output: Folder, args: argparse.Namespace) -> Iterator[int]:
    """Predict some parts of the plan; yield the number of files of each when its file is there.

    Raises:
        UserError: a node cannot predict.
    """
    if not parts:
        return
    orders = ray.data.from_items([{"part": part} for part in parts],
                                 override_num_blocks=len(parts))
    done = orders.map(
        PartPredictor, num_cpus=resources.cores, num_gpus=resources.gpus or None,
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=resources.predictors,
                                           initial_size=resources.predictors),
        fn_constructor_kwargs={
            "checkpoint": ray.put(checkpoint.read_bytes()), "source": source.address,
            "output": output.address, "device": args.device,
            "batch_size": args.batch_size, "cores": resources.cores,
            "views": args.views})
    try:
        for row in done.iter_rows():
            yield row["files"]
    except ray.exceptions.RayError as error:
        reason = str(error).strip().splitlines()[-1]
        raise UserError(f"a node of the cluster cannot predict: {reason}; mend that and go on with "
                        "--resume") from error


class PartPredictor:
    """A predictor on a node: called with the number of a part, it writes the part's file."""

    def __init__(self, checkpoint: "ray.ObjectRef", source: str, output: str, device: str,
                 batch_size: int | None, cores: int, views: int):
        """Load the checkpoint; the reference is to the bytes of its file."""
        import torch

        from celestial.inference.devices import pick_device
        from celestial.inference.predictor import Predictor

        torch.set_num_threads(cores)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "checkpoint.pth"  # deleted once it is loaded
            path.write_bytes(ray.get(checkpoint))
            self.predictor = Predictor(path, pick_device(device), batch_size, cores, views=views)
        self.source, self.output = Folder.at(source), Folder.at(output)
        self.plan = parquet.ParquetFile(
            self.output.system.open_input_file(self.output.inside(PLAN)))

    def __call__(self, row: dict) -> dict:
        """Predict a part: {"part": number} -> {"files": how many}."""
        names = self.plan.read_row_group(row["part"])["filename"].to_pylist()
        with tempfile.TemporaryDirectory() as folder:
            fetching = Fetching(self.source, Path(folder))
            answers = self.predictor.predict(fetching.files(names))
            rows = [self._row(name, answer, fetching.reason(answer))
                    for name, answer in zip(names, answers, strict=True)]
        table = pa.Table.from_pylist(rows, self.schema)
        self.output.write(part_name(row["part"]), lambda file: parquet.write_table(table, file))
        return {"files": len(names)}

    @property
    def schema(self) -> pa.Schema:
        """The columns of a part's file; numbers are missing where there is no answer."""
        text = ("filename", "status", "prediction", "reason")
        numbers = ("confidence", "known_score", *map("probability_{}".format,
                                                     self.predictor.classes))
        return pa.schema([*((name, pa.string()) for name in text),
                          *((name, pa.float32()) for name in numbers)])

    def _row(self, name: str, answer: "Prediction", reason: str) -> dict:
        row = {"filename": name, "status": answer.status, "prediction": answer.name,
               "reason": reason}
        if answer.probabilities is not None:
            row |= {"confidence": answer.probabilities.max(), "known_score": answer.known_score,
                    **dict(zip(map("probability_{}".format, answer.classes),
                               answer.probabilities, strict=True))}
        return row


class Fetching:
    """Fetches files from a storage; files of a folder on a disk are used where they are."""

    def __init__(self, source: Folder, folder: Path):
        """Fetch from `source` into the empty `folder`, a few files at a time."""
        self.source = source
        self.folder = folder
        self.unfetched: dict[Path, str] = {}

    def files(self, names: Sequence[str]) -> Iterator[Path]:
        """Yield a path for each file; no file is there if it cannot be fetched."""
        if self.source.on_disk:
            yield from (Path(self.source.path) / path_named(name) for name in names)
            return
        with ThreadPoolExecutor(FETCHED_AT_ONCE) as pool:
            start = partial(pool.submit, self._fetch)
            for _, future in in_order(start, enumerate(names), 2 * FETCHED_AT_ONCE):
                yield future.result()

    def reason(self, answer: "Prediction") -> str:
        """Return why there is no answer for a file, and remove what was fetched of it."""
        if not self.source.on_disk:
            answer.path.unlink(missing_ok=True)
        return self.unfetched.pop(answer.path, answer.explanation)

    def _fetch(self, numbered: tuple[int, str]) -> Path:
        number, name = numbered
        path = self.folder / str(number)
        try:
            with self.source.system.open_input_file(self.source.inside(name)) as stored:
                if stored.size() > MOST_BYTES:
                    raise OSError(f"larger than {MOST_BYTES >> 20} MB")
                stored.download(str(path))
        except OSError as error:
            path.unlink(missing_ok=True)
            self.unfetched[path] = f"cannot be fetched: {error}"
        return path


def count_answers(output: Folder, parts: int) -> Counter:
    """Return how often each (status, prediction) stands in the files of all parts."""
    files = [output.inside(part_name(part)) for part in range(parts)]
    columns = ["status", "prediction"]
    table = dataset.dataset(files, format="parquet", filesystem=output.system).to_table(columns)
    counts = table.group_by(columns).aggregate([([], "count_all")]).to_pylist()
    return Counter({(row["status"], row["prediction"]): row["count_all"] for row in counts})
