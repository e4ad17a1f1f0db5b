"""The notebook, run from its first cell to its last in a copy of the repository."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, content_of, environment

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

pytestmark = pytest.mark.slow
NOTEBOOK = ROOT / "docs/quickstart.ipynb"
MADE = ("dataset/manifest.csv", "dataset/sample_images.png",
        "model/celestial_classification_final_model.pth", "model/training_history.png",
        "results/metrics.json", "results/confusion_matrix.png", "framed/showcase_summary.png",
        "blind/blind_test_report.png", "my_predictions/batch_prediction_summary.csv",
        "my_predictions/contact_sheet.png")
SHOWING = ("split", "train", "evaluate", "looks", "frame", "blind", "predict")  # cells' ids


def read_notebook():
    return nbformat.read(NOTEBOOK, as_version=nbformat.NO_CONVERT)


def code_of(cell_id: str) -> str:
    return next(cell.source for cell in read_notebook().cells if cell.id == cell_id)


def copy_repository(target: Path) -> Path:
    """Copy what a clone would hold, and what is not committed yet."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
        capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():  # it may be deleted and not committed
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target / name)
    return target


def outside_the_work_folder(repository: Path) -> dict[str, str]:
    return {name: digest for name, digest in content_of(repository).items()
            if not name.startswith("quickstart/") and "__pycache__" not in name}


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The notebook with its outputs, the copy that it ran in, and the content of that before."""
    base = tmp_path_factory.mktemp("notebook")
    repository = copy_repository(base / "clone")
    before = outside_the_work_folder(repository)
    notebook = read_notebook()
    # Neither the kernel nor the client leaves anything in the home folder of whoever tests.
    places = {"JUPYTER_RUNTIME_DIR": str(base / "runtime"), "IPYTHONDIR": str(base / "ipython"),
              "PIP_NO_INDEX": "1"}
    with pytest.MonkeyPatch.context() as patch:
        for name, place in places.items():
            patch.setenv(name, place)
        client = nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources={
            "metadata": {"path": str(repository / "docs")}})
        client.execute(env={**environment(base), **places})
    return notebook, repository, before


def test_it_makes_what_it_says_and_touches_nothing_else(done):
    _, repository, before = done
    missing = [name for name in MADE if not (repository / "quickstart" / name).is_file()]
    assert not missing
    assert outside_the_work_folder(repository) == before
    assert (repository / "quickstart/.gitignore").read_text() == "*\n"


def test_the_figures_are_displayed(done):
    notebook, _, _ = done
    shown = {cell.id: [len(output.data["image/png"]) for output in cell.outputs
                       if "image/png" in output.get("data", {})]
             for cell in notebook.cells if cell.cell_type == "code"}
    assert {name for name, pictures in shown.items() if pictures} == set(SHOWING)
    assert all(len(shown[name]) == 1 and shown[name][0] > 10_000 for name in SHOWING)


def test_what_it_prints_is_readable(done):
    notebook, _, _ = done
    printed = "".join(output.text for cell in notebook.cells if cell.cell_type == "code"
                      for output in cell.outputs if output.output_type == "stream")
    assert printed.count("\nRESULT {") == 8, "each script ends with its RESULT line"
    assert "\naccuracy 9" in printed or "\naccuracy 100" in printed
    assert "learned the content: " in printed
    assert "it/s]" not in printed and "Traceback" not in printed and "installing" not in printed


def test_it_is_stored_without_outputs():
    notebook = read_notebook()
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    for cell in notebook.cells:
        assert cell.cell_type != "code" or (cell.outputs == [] and cell.execution_count is None)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


def run_first_cell(cwd: Path, repository: str = "") -> subprocess.CompletedProcess:
    source = code_of("place").replace('REPOSITORY = ""', f"REPOSITORY = {repository!r}")
    return subprocess.run([sys.executable, "-c", source], cwd=cwd, capture_output=True, text=True,
                          encoding="utf-8")


def test_outside_a_clone_it_clones_or_says_what_to_do(tmp_path):
    origin, elsewhere = tmp_path / "origin", tmp_path / "elsewhere"
    elsewhere.mkdir()
    told = run_first_cell(elsewhere)
    assert told.returncode == 1 and len(told.stderr.splitlines()) == 1
    assert "REPOSITORY" in told.stderr and not list(elsewhere.iterdir())

    origin.mkdir()
    (origin / "datapre.py").touch()
    for command in (["init", "--quiet"], ["add", "."],
                    ["-c", "user.name=test", "-c", "user.email=test@example.org", "commit",
                     "--quiet", "--message", "first"]):
        subprocess.run(["git", *command], cwd=origin, check=True)
    for _ in range(2):  # run again, it takes the clone that is there
        cloned = run_first_cell(elsewhere, origin.as_uri())
        assert cloned.returncode == 0, cloned.stderr
        assert str(elsewhere / "celestial-image-classifier") in cloned.stdout
    failed = run_first_cell(tmp_path, (tmp_path / "missing").as_uri())
    assert failed.returncode != 0


def test_a_cell_fails_where_its_script_does(tmp_path):
    source = "\n".join(["from pathlib import Path", "import subprocess, sys",
                        f"ROOT = Path({str(tmp_path)!r})", code_of("helpers"),
                        "run('fails.py')", "print('went on')"])
    (tmp_path / "fails.py").write_text("print('error: no pictures'); raise SystemExit(1)")
    done = subprocess.run([sys.executable, "-c", source], cwd=tmp_path, capture_output=True,
                          text=True, env={**os.environ, "IPYTHONDIR": str(tmp_path)})
    assert done.returncode == 1 and "error: no pictures" in done.stdout
    assert "fails.py could not do its work" in done.stderr and "went on" not in done.stdout
