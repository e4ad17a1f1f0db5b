"""How fast the web page answers one visitor and many, and what its memory does meanwhile.

in:   nothing; a picture of one megapixel is drawn
out:  web_speed.md (a table)

  python benchmarks/web_speed.py
  python benchmarks/web_speed.py --visitors 64 --seconds 60

The server runs as a process of its own with the weights that ship; the visitors are threads of
another. What many visitors get is compared with Predictor on the same pictures in one folder.
"""

import argparse
import io
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from processes import memory_of  # noqa: E402  (the project's folders must be on the path first)
from web_client import Client, serving  # noqa: E402

from celestial.common import console  # noqa: E402

SIDES = 1152, 868  # pixels: one megapixel
BATCH = 400  # pictures for the comparison with a folder
WARMING = 10  # seconds of the many visitors before the memory is first measured


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    parser.add_argument("--requests", type=console.positive_int, default=200, help="of one visitor")
    parser.add_argument("--visitors", type=console.positive_int, default=64,
                        help="at once, up to 254")
    parser.add_argument("--seconds", type=console.positive_int, default=60,
                        help="that the many visitors stay")
    parser.add_argument("--checkpoint", type=Path, metavar="FILE",
                        default=console.SHIPPED)
    parser.add_argument("--output-dir", type=Path, default=Path("evaluation_results"),
                        metavar="FOLDER")
    return parser.parse_args()


def draw_jpeg() -> bytes:
    """Return a JPEG of one megapixel."""
    from PIL import Image

    from celestial.renderer.draw import draw_picture

    drawn = Image.fromarray(draw_picture("jupiter", 1152, 42, 0)).resize(SIDES)
    file = io.BytesIO()
    drawn.save(file, format="JPEG", quality=90)
    return file.getvalue()


def one_visitor(client, picture: bytes, count: int) -> list[float]:
    """Return the seconds that each of `count` requests took, one after the other."""
    seconds = []
    for _ in range(count):
        started = time.perf_counter()
        answer = client.post("/api/predict", [("jupiter.jpg", picture)])
        seconds.append(time.perf_counter() - started)
        if answer.status != 200:
            raise console.UserError(f"the server answered {answer.status}: {answer.body[:200]!r}")
    return seconds


def many_visitors(client, picture: bytes, visitors: int, seconds: float) -> dict[int, int]:
    """Let visitors ask again and again; return how often each status was answered."""
    until = time.monotonic() + seconds

    def visit(number: int) -> list[int]:
        statuses = []
        # An address of his own, as one visitor may hold half of the places.
        own = Client(client.port, source=f"127.0.1.{number + 1}")
        while time.monotonic() < until:
            answer = own.post("/api/predict", [("jupiter.jpg", picture)])
            statuses.append(answer.status)
            if answer.status == 503:
                time.sleep(float(answer.headers["Retry-After"]))
        return statuses

    with ThreadPoolExecutor(visitors) as executor:
        every = [status for statuses in executor.map(visit, range(visitors))
                 for status in statuses]
    return {status: every.count(status) for status in set(every)}


def in_own_process(client, picture: bytes, visitors: int, seconds: float) -> dict[int, int]:
    """Run `many_visitors` in another process, so that it takes no lock of this one's."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(many_visitors, (client, picture, visitors, seconds))


def folder_speed(picture: bytes, checkpoint: Path, work: Path) -> float:
    """Return the pictures a second of predict_my_images.py, its start left out."""
    seconds = []
    for count in (BATCH // 8, BATCH):
        folder = work / str(count)
        folder.mkdir()
        for number in range(count):
            (folder / f"{number}.jpg").write_bytes(picture)
        started = time.perf_counter()
        subprocess.run([sys.executable, str(ROOT / "predict_my_images.py"), str(folder),
                        "--checkpoint", str(checkpoint.resolve()), "--no-pictures",
                        "--output-dir", str(work / f"out{count}")], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - started)
    return (BATCH - BATCH // 8) / (seconds[1] - seconds[0])


def main() -> None:
    args = parse_args()
    console.print_header(__file__, args)
    from celestial.common.files import atomic_path

    picture = draw_jpeg()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        batch = folder_speed(picture, args.checkpoint, work)
        with serving(work, "--checkpoint", args.checkpoint.resolve(), "--most-a-minute",
                     10**6) as (server, client):
            one_visitor(client, picture, 20)
            alone = sorted(one_visitor(client, picture, args.requests))
            in_own_process(client, picture, args.visitors, WARMING)
            before = memory_of(server.pid) / 1e6
            statuses = in_own_process(client, picture, args.visitors, args.seconds)
            after = memory_of(server.pid) / 1e6
            later = statistics.median(one_visitor(client, picture, 20))
    p50, p95 = alone[len(alone) // 2], alone[int(0.95 * len(alone))]
    rate = statuses.get(200, 0) / args.seconds
    found = {"p50_ms": round(1000 * p50), "p95_ms": round(1000 * p95),
             "visitors_per_s": round(rate, 1), "folder_per_s": round(batch, 1),
             "share_of_folder": round(rate / batch, 3), "statuses": statuses,
             "memory_mb": [round(before), round(after)], "p50_after_ms": round(1000 * later)}
    lines = ["| what | measured |", "|---|---|",
             f"| one visitor, JPEG of 1 megapixel ({len(picture) // 1000} kB), p50 | "
             f"{found['p50_ms']} ms |", f"| the same, p95 | {found['p95_ms']} ms |",
             f"| {args.visitors} visitors for {args.seconds} s, answers a second | "
             f"{found['visitors_per_s']} |",
             f"| the same pictures in a folder, a second | {found['folder_per_s']} |",
             f"| share | {found['share_of_folder']:.0%} |",
             f"| answers by status | {statuses} |",
             f"| memory of all its processes, shared pages counted once, after {WARMING} s of "
             "these visitors, and at the end | "
             f"{before:.0f} MB, {after:.0f} MB |"]
    with atomic_path(args.output_dir / "web_speed.md") as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    console.print_result(found, [args.output_dir / "web_speed.md"])


if __name__ == "__main__":
    console.run(main)
