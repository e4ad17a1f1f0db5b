"""The web server in the test's own process, with networks that answer when the test says so."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
from web_client import SECONDS, Client

from celestial.inference.predictor import Prediction
from celestial.pictures.preprocessing import Input
from celestial.web import worker
from celestial.web.application import create_app
from celestial.web.safety import Limits
from celestial.web.serving import Server


class Network:
    """A predictor that waits for a gate to open."""

    classes = ("mars", "saturn")
    preprocessing, workers = None, 0

    def __init__(self, gate: threading.Event):
        self.gate = gate
        self.engine = SimpleNamespace(streams=2, batch_size=4, start_stream=lambda: None)

    def predict_prepared(self, batch: list) -> list[Prediction]:
        assert self.gate.wait(SECONDS)
        return [Prediction(Path(), np.array([0.75, 0.25]), self.classes, accepted=True)
                for _ in batch]


def decoded(*_: object) -> Future:
    future = Future()
    future.set_result(Input(np.zeros((3, 8, 8), np.uint8), None, ""))
    return future


@contextmanager
def played(models: tuple[str, ...] = ("first",), proxied: bool = False,
           **limits: int) -> Iterator[SimpleNamespace]:
    """Run a server; yield it, its gate, its room and a client."""
    gate = threading.Event()
    with mock.patch.object(worker, "start_decoding", decoded):
        app = create_app({name: Network(gate) for name in models}, Limits(**limits),
                         proxied=proxied)
        service = app.extensions["celestial"]
        server = Server(app, "127.0.0.1", 0, service.limits, "" if proxied else None)
        try:
            yield SimpleNamespace(server=server, gate=gate, room=service.worker.room,
                                  client=Client(server.port))
        finally:
            gate.set()
            if not server.ending:
                server.close()
            service.close()


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)
