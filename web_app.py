"""Step 7: the same model in a browser: drop a picture, see what it is and why.

in:   the checkpoint, or a folder of several, among which a visitor chooses
out:  a page at http://127.0.0.1:8000, an API at /api/predict, /metrics for Prometheus

  python web_app.py
  python web_app.py --checkpoint model_checkpoints --port 8080
  python web_app.py --host 0.0.0.0 --allowed-host observatory.example.org
  python web_app.py --prefix /classifier --allowed-host observatory.example.org
  python web_app.py --collect corrections

--prefix is for a proxy in front, which shows the page under that path (docs/proxy.md). Ctrl-C ends
it once the accepted requests are answered. Nothing that a visitor sends is stored, but with
--collect the pictures whose answers visitors correct, or call right.
"""

import argparse
import signal
import time
from pathlib import Path

from celestial.common import console
from celestial.common.console import UserError
from celestial.web.hosts import host_name, path_prefix, url_of

LISTENING = 0.2  # seconds between looks whether it is to end


def parse_args() -> argparse.Namespace:
    parser = console.make_parser(__doc__)
    parser.add_argument("--checkpoint", type=Path, default=None, metavar="FILE|FOLDER",
                        help=f"trained model, or a folder of them; None: {console.FINAL_CHECKPOINT}"
                        ", else the one in pretrained/")
    parser.add_argument("--collect", type=Path, default=None, metavar="FOLDER",
                        help="visitors may correct answers; their pictures go to "
                        "FOLDER/<class>/, with a row in FOLDER/corrections.csv")
    group = parser.add_argument_group("network")
    group.add_argument("--host", type=host, default="127.0.0.1",
                       help="address to listen on; 0.0.0.0 or ::: all of this machine's")
    group.add_argument("--port", type=port_number, default=8000, help="0: any free one")
    group.add_argument("--allowed-host", nargs="+", type=host, default=[], metavar="NAME",
                       help="names under which visitors reach this machine, beside localhost")
    group.add_argument("--prefix", type=prefix, default=None, metavar="PATH",
                       help="a proxy shows the page under this path, / for all of a host; its "
                       "X-Forwarded-For, -Proto and -Host are believed")
    group = parser.add_argument_group("limits")
    group.add_argument("--most-megabytes", type=console.positive_int, default=40,
                       help="of a request")
    group.add_argument("--most-files", type=console.positive_int, default=20, help="of a request")
    group.add_argument("--most-waiting", type=console.positive_int, default=64,
                       help="pictures under way at once, half of them one visitor's; beyond them "
                       "visitors are asked to wait")
    group.add_argument("--most-a-minute", type=console.positive_int, default=6000,
                       help="requests from one visitor")
    console.add_compute_options(parser)
    return parser.parse_args()


def port_number(text: str) -> int:
    """Read an option as a port."""
    value = int(text)
    if not 0 <= value < 65536:
        raise argparse.ArgumentTypeError(f"{text} is not a port from 0 to 65535")
    return value


def host(text: str) -> str:
    """Read an option as a host."""
    try:
        return host_name(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text} is not a host; give a name such as observatory.example.org") from error


def prefix(text: str) -> str:
    """Read an option as a path."""
    try:
        return path_prefix(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text} is not a path; give one such as /classifier") from error


def list_checkpoints(named: Path | None) -> dict[str, Path]:
    """Return the checkpoints to serve by their names.

    Raises:
        UserError: there is none.
    """
    from celestial.common.left_behind import is_no_picture
    from celestial.models.checkpoints import find_checkpoint

    if named is None or not named.is_dir():
        path = find_checkpoint(named)
        return {path.stem: path}
    files = [path for path in sorted(named.glob("*.pth"))
             if not path.stem.startswith("unfinished") and not is_no_picture(path.name)]
    if not files:
        raise UserError(f"{named} has no checkpoint (*.pth); train one with improved_training.py "
                        "or name another")
    return {path.stem: path for path in files}


def note_end() -> list[int]:
    """Return a list that Ctrl-C and SIGTERM fill from now on; a second Ctrl-C ends at once.

    Whoever waits for it must sleep and look: on Windows nothing that waits for a thread hears a
    signal, and a handler that sets an Event may wait for a lock that the code it has interrupted
    holds.
    """
    asked: list[int] = []

    def note(number: int, _: object) -> None:
        asked.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    return asked


def main() -> None:
    args = parse_args()
    from celestial.pictures.decoder_pool import start_early

    start_early(args.workers)
    from celestial.filing.collecting import CollectingFolder
    from celestial.inference.devices import describe, inference_precision, pick_device
    from celestial.inference.predictor import Predictor
    from celestial.web.application import create_app
    from celestial.web.safety import LOCAL, Limits
    from celestial.web.serving import Server
    from celestial.web.worker import VIEWS

    device = pick_device(args.device)
    console.print_header(__file__, args, describe(device, inference_precision))
    collecting = CollectingFolder(args.collect) if args.collect else None
    predictors = {name: Predictor(path, device, args.batch_size, args.workers, views=VIEWS)
                  for name, path in list_checkpoints(args.checkpoint).items()}
    limits = Limits(args.most_megabytes, args.most_files, args.most_waiting, args.most_a_minute)
    app = create_app(predictors, limits, LOCAL | {args.host, *args.allowed_host},
                     args.prefix is not None, collecting)
    service = app.extensions["celestial"]
    asked_to_end = note_end()
    try:
        server = Server(app, args.host, args.port, limits, args.prefix)
    except OSError as error:
        raise UserError(f"{args.host}, port {args.port}: {error.strerror}; choose another --host "
                        "or --port") from error
    address = url_of(args.host, server.port, args.prefix or "")
    print(f"open {address} in a browser; Ctrl-C ends it", flush=True)
    while not asked_to_end:
        time.sleep(LISTENING)
    print("answering what was accepted", flush=True)
    server.close()
    service.close()
    console.print_result({"models": list(predictors), "pictures": service.counts.answered()},
                         [collecting.table] if collecting else [])


if __name__ == "__main__":
    console.run(main)
