"""make bench: all that is claimed of speed and growth, measured on this machine, on one page.

in:   nothing; pictures are drawn
out:  benchmarks/results.md, and its plots beside it; bench/, what each benchmark wrote

  python benchmarks/run_all.py
  python benchmarks/run_all.py --parts prediction training     # the other sections stay
  python benchmarks/run_all.py --parts prediction -- --rounds 5 --counts 105     # options of a part

All parts together take several hours on 2 cores. Nothing else should run meanwhile: ratios are
taken side by side, but a busy machine makes their spread wide.
"""

import argparse
import datetime
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from celestial.common import console  # noqa: E402  (the project's folder must be on the path first)

# part: its script and options, its heading, what its table shows
PARTS = {
    "prediction": ("prediction_speed.py", "Prediction against other ways, and against the machine"),
    "training": ("training_speed.py", "Training against the usual script"),
    "sharing": ("shared_training.py", "Training in two processes"),
    "sorting": ("sorting_speed.py", "What sorting into folders costs"),
    "growth": ("growth.py", "Memory and speed against the number of pictures"),
    "web": ("web_speed.py", "The web page, one visitor and many"),
    "hostile": ("web_hostile.py", "The web page under ten thousand hostile requests"),
    "arithmetic": ("arithmetic.py", "How much of the device's arithmetic is used"),
}


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART",
                        help=f"of {', '.join(PARTS)}")
    parser.add_argument("--peers-python", default=sys.executable, metavar="FILE",
                        help="the Python in which benchmarks/requirements-peers.txt is installed")
    parser.add_argument("--output-dir", type=Path, default=Path("bench"), metavar="FOLDER",
                        help="what each benchmark writes")
    parser.add_argument("options", nargs="*", help="after --: options of the one part's script")
    args = parser.parse_args()
    if args.options and len(args.parts) != 1:
        parser.error("options of a script need --parts with one part")
    return args


def machine() -> str:
    """Return what this machine is and what runs on it, on one line."""
    import torch

    from celestial.inference.devices import describe, pick_device

    lines = Path("/proc/cpuinfo").read_text().splitlines() if sys.platform == "linux" else []
    model = next((line.partition(":")[2].strip() for line in lines
                  if line.startswith("model name")), platform.processor())
    seen = console.versions()
    return (f"{model}, {os.cpu_count()} cores, {torch.backends.cpu.get_cpu_capability()}, "
            f"{describe(pick_device('auto'))}; Python {seen['python']}, torch {seen['torch']}, "
            f"commit {seen['commit']}")


def measure(part: str, args: argparse.Namespace) -> None:
    """Run one benchmark and write its section."""
    script, heading = PARTS[part]
    command = ["benchmarks/" + script, *args.options]
    here = ["--output-dir", str(args.output_dir),
            *(["--peers-python", args.peers_python] if part == "prediction" else [])]
    started = time.perf_counter()
    print(f"\n=== python {' '.join(command)}", flush=True)
    done = subprocess.run([sys.executable, *command, *here], cwd=console.ROOT)
    if done.returncode:
        raise console.UserError(f"{script} failed; what it printed stands above")
    minutes = (time.perf_counter() - started) / 60
    table = (args.output_dir / script).with_suffix(".md").read_text(encoding="utf-8")
    today = datetime.date.today().isoformat()
    section = [f"## {heading}", f"{today}: {machine()}.\n`python {' '.join(command)}`, "
               f"{minutes:.0f} minutes.", table.strip()]
    plot = (args.output_dir / script).with_suffix(".png")
    if plot.exists():
        shutil.copy(plot, console.ROOT / "benchmarks")
        section.insert(2, f"![{heading}]({plot.name})")
    (args.output_dir / f"section_{part}.md").write_text("\n\n".join(section) + "\n",
                                                        encoding="utf-8")


def main() -> None:
    args = parse_args()
    console.print_header(__file__, args)
    args.output_dir = args.output_dir.resolve()
    args.output_dir.mkdir(parents=True, exist_ok=True)
    for part in args.parts:
        measure(part, args)
    sections = [file.read_text(encoding="utf-8") for part in PARTS
                if (file := args.output_dir / f"section_{part}.md").exists()]
    report = console.ROOT / "benchmarks/results.md"
    report.write_text("# Measured\n\nWritten by `make bench` (`benchmarks/run_all.py`); each "
                      "section names its machine, its day and its command.\n\n"
                      + "\n".join(sections), encoding="utf-8")
    console.print_result({"parts": args.parts}, [report])


if __name__ == "__main__":
    console.run(main)
