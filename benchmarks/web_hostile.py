"""Ten thousand hostile requests: does the web page stay up, within its limits, and small?

in:   nothing; tests/hostile.py makes the requests, honest visitors ask in between
out:  web_hostile.md (a table)

  python benchmarks/web_hostile.py
  python benchmarks/web_hostile.py --requests 1000
"""

import argparse
import sys
import tempfile
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from hostile import SLOW, hostile_requests, picture, send  # noqa: E402  (the folders are on the path)
from processes import memory_of  # noqa: E402
from web_client import serving  # noqa: E402
from web_speed import draw_jpeg, many_visitors  # noqa: E402

from celestial.common import console  # noqa: E402

AT_ONCE = 16  # attackers, beside those that are slow
SLOW_FOR = 20  # seconds that a slow client sends a byte now and then
# Before the memory is first measured, so that every library is loaded and every thread has worked:
WARMING_REQUESTS = 1000  # hostile ones
WARMING_VISITORS, WARMING_SECONDS = 64, 10  # honest ones at once, and how long they stay
RESTING = 40  # seconds until it is measured again: what hangs is dropped meanwhile
HONEST_EVERY = 50  # hostile requests, one visitor


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    parser.add_argument("--requests", type=console.positive_int, default=10_000)
    parser.add_argument("--checkpoint", type=Path, metavar="FILE",
                        default=console.SHIPPED)
    parser.add_argument("--seed", type=console.seed_number, default=42)
    parser.add_argument("--output-dir", type=Path, default=Path("evaluation_results"),
                        metavar="FOLDER")
    return parser.parse_args()


def attack(client, requests: list[tuple[str, bytes]]) -> tuple[dict, list[float], list[int]]:
    """Send all; return (kind -> answers), and seconds and statuses of the honest visitors."""
    found, seconds, statuses = defaultdict(list), [], []

    def visit(number: int) -> None:
        kind, content = requests[number]
        found[kind].append(send(client.port, kind, content, SLOW_FOR))
        if number % HONEST_EVERY == 0:
            started = time.monotonic()
            statuses.append(client.post("/api/predict", [("a.png", picture())]).status)
            seconds.append(time.monotonic() - started)

    slow = [number for number, (kind, _) in enumerate(requests) if kind == SLOW]
    quick = [number for number, (kind, _) in enumerate(requests) if kind != SLOW]
    with ThreadPoolExecutor(AT_ONCE) as dripping, ThreadPoolExecutor(AT_ONCE) as executor:
        for future in [*(dripping.submit(visit, number) for number in slow),
                       *(executor.submit(visit, number) for number in quick)]:
            future.result()
    return found, seconds, statuses


def as_markdown(found: dict) -> list[str]:
    """Return the table: a row a kind."""
    lines = ["| kind | requests | answers by status | slowest answer, s |", "|---|---|---|---|"]
    for kind, answers in sorted(found.items()):
        counts = Counter("hung up" if answer.status is None else str(answer.status)
                         for answer in answers)
        told = ", ".join(f"{status}: {count}" for status, count in sorted(counts.items()))
        lines.append(f"| {kind} | {len(answers)} | {told} | "
                     f"{max(answer.seconds for answer in answers):.1f} |")
    return lines


def main() -> None:
    args = parse_args()
    console.print_header(__file__, args)
    from celestial.common.files import atomic_path

    with tempfile.TemporaryDirectory() as folder, serving(
            Path(folder), "--checkpoint", args.checkpoint.resolve(), "--most-a-minute",
            10 ** 6) as (server, client):
        attack(client, hostile_requests(WARMING_REQUESTS, args.seed + 1))
        many_visitors(client, draw_jpeg(), WARMING_VISITORS, WARMING_SECONDS)
        time.sleep(RESTING)
        before = memory_of(server.pid) / 1e6
        started = time.monotonic()
        found, seconds, statuses = attack(client, hostile_requests(args.requests, args.seed))
        took = time.monotonic() - started
        time.sleep(RESTING)
        after = memory_of(server.pid) / 1e6
        up = client.post("/api/predict", [("a.png", picture())]).status == 200
    failures = sum(answer.status is not None and answer.status >= 500 and answer.status != 503
                   for answers in found.values() for answer in answers)
    honest = Counter(statuses)
    lines = [*as_markdown(found), "",
             f"{args.requests:,} requests in {took:.0f} s; 5xx other than 503: {failures}. In "
             f"between, honest visitors were answered {dict(honest)}, the slowest after "
             f"{max(seconds):.1f} s. Memory of all its processes, shared pages counted once: "
             f"{before:.0f} MB before, {after:.0f} MB {RESTING} s after. It "
             f"{'answers' if up else 'does NOT answer'} afterwards."]
    with atomic_path(args.output_dir / "web_hostile.md") as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    console.print_result({"requests": args.requests, "failures": failures, "up": up,
                          "honest": dict(honest), "slowest_honest_s": round(max(seconds), 2),
                          "memory_mb": [round(before), round(after)]},
                         [args.output_dir / "web_hostile.md"])


if __name__ == "__main__":
    console.run(main)
