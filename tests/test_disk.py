"""A full disk, a folder that may not be written: one sentence, and what was there stays."""

import os
import subprocess
from pathlib import Path

import pytest
from conftest import (
    QUICK,
    command,
    content_of,
    draw_folder,
    environment,
    run,
    without_override,
)

FINAL = "celestial_classification_final_model.pth"
pytestmark = pytest.mark.skipif(os.name == "nt", reason="limits and permissions of POSIX systems")
# Of each script: the options, OUT being its folder, and files of an earlier run in that folder.
SCRIPTS = {
    "datapre.py": (("--output-dir", "OUT/set", "--copy"), ()),
    "improved_training.py": (("--data-dir", "DATA", "--output-dir", "OUT", "--weights", "none",
                              *QUICK), (FINAL, "training_history.csv")),
    "evaluate_model.py": (("--data-dir", "DATA", "--output-dir", "OUT", "--checkpoint", "MODEL"),
                          ("metrics.json", "predictions.csv", "confusion_matrix.png")),
    "generate_visual_predictions.py": (("--data-dir", "DATA", "--output-dir", "OUT",
                                        "--checkpoint", "MODEL"), ("showcase_summary.png",)),
    "blind_test_validation.py": (("--data-dir", "DATA", "--output-dir", "OUT", "--checkpoint",
                                  "MODEL"), ("blind_test_report.json", "blind_test_report.png")),
    "predict_my_images.py": (("data/input", "--output-dir", "OUT", "--checkpoint", "MODEL"),
                             ("batch_prediction_summary.csv", "contact_sheet.png")),
    "render_samples.py": (("--output-dir", "OUT", "--per-class", "1", "--add"),
                          ("mars/mars_7_00000.jpg",)),
}


class Disk:
    """A disk of some bytes below `folder`; where none can be mounted, files may not grow."""

    def __init__(self, folder: Path, size: int):
        self.folder, self.size = folder, size
        folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        self.mounted = os.geteuid() == 0 and subprocess.run(mount, check=False).returncode == 0

    def settings(self) -> dict:
        """Return settings for `run`."""
        return {} if self.mounted else {"preexec_fn": self._limit}

    def _limit(self) -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (self.size, self.size))

    def fill(self) -> None:
        """Take what is left of the space."""
        if not self.mounted:
            self.size = 0
            return
        with (self.folder / "filler").open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                return

    def close(self) -> None:
        if self.mounted:
            subprocess.run(["umount", str(self.folder)], check=True)


@pytest.fixture
def disk(tmp_path):
    made = []

    def make(size: int) -> Disk:
        made.append(Disk(tmp_path / "disk", size))
        return made[0]

    yield make
    for found in made:
        found.close()


def prepare(script: str, out: Path, dataset: Path, checkpoint: Path) -> list[str]:
    """Lay the files of an earlier run into `out`; return the options of the next one."""
    options, earlier = SCRIPTS[script]
    draw_folder(out.parent / "data/input", 3)
    for name in earlier:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text("of an earlier run")
    names = {"OUT": str(out), "DATA": str(dataset), "MODEL": str(checkpoint)}
    made = []
    for option in options:
        for name, path in names.items():
            option = option.replace(name, path)
        made.append(option)
    if script == "datapre.py":
        assert run(script, *made, cwd=out.parent).status == 0
        made += ["--seed", "7"]
    return made


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_full_disk(script, disk, dataset, checkpoint, tmp_path):
    full = disk(1 << 20)
    options = prepare(script, full.folder, dataset, checkpoint)
    full.fill()
    before = content_of(full.folder)
    done = run(script, *options, cwd=tmp_path, **full.settings())
    assert done.status == 1, done.out + done.err
    assert ("No space left" in done.error or "File too large" in done.error), done.error
    assert str(full.folder) in done.error, "it says where"
    (full.folder / "cache/lock").unlink(missing_ok=True)  # empty, and stays for the next training
    assert content_of(full.folder) == before


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_folder_that_may_not_be_written(script, dataset, checkpoint, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir()
    options = prepare(script, locked, dataset, checkpoint)
    before = content_of(locked)
    folders = [locked, *(path for path in locked.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    done = run(script, *options, cwd=tmp_path, **without_override())
    for folder in folders:
        folder.chmod(0o755)
    assert done.status == 1, done.out + done.err
    assert "Permission denied" in done.error and str(locked) in done.error
    assert content_of(locked) == before


def test_a_disk_too_small_for_the_state_of_a_training(disk, dataset, checkpoint, tmp_path):
    small = disk(3 << 20)
    options = prepare("improved_training.py", small.folder, dataset, checkpoint)
    done = run("improved_training.py", *options, cwd=tmp_path, **small.settings())
    assert done.status == 1 and "unfinished_" in done.error, "the pictures fitted"
    assert (small.folder / FINAL).read_text() == "of an earlier run"
    assert not list(small.folder.rglob(".*.tmp")) and not list(small.folder.glob("unfinished*"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_output_to_a_full_disk(tmp_path):
    draw_folder(tmp_path / "data/input", 3)
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(command("datapre.py"), cwd=tmp_path, env=environment(tmp_path),
                               stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 1 and "Traceback" not in ended.stderr
    assert "Exception" not in ended.stderr
    assert ended.stderr.count("error: ") == 1 and "No space left" in ended.stderr
