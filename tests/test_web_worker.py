"""How the web page puts pictures together: decoding is played by the test, so is the network."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from celestial.inference.predictor import Prediction
from celestial.pictures.preprocessing import Input
from celestial.pictures.readers.types import ImageError
from celestial.web import worker
from celestial.web.room import Room
from celestial.web.worker import Worker

SQUARE = Input(np.zeros((3, 8, 8), np.uint8), None, "")  # what decoding returns
MODELS = "first", "second"
DONE = "answered by first"
SECONDS = 60  # after which an answer is not expected any more


class Decider:
    """A predictor that notes how many pictures it gets at once."""

    def __init__(self, name: str, batches: list[tuple[str, int]], batch_size: int):
        self.name = name
        self.batches = batches
        self.engine = SimpleNamespace(streams=2, batch_size=batch_size, start_stream=lambda: None)

    def predict_prepared(self, batch: list) -> list[Prediction]:
        self.batches.append((self.name, len(batch)))
        return [Prediction(Path(), None, (), reason=item.reason or f"answered by {self.name}")
                for item in batch]


class Played(Worker):
    """A worker whose files are decoded when the test says so."""

    def __init__(self, batch_size: int = 8):
        self.batches = []
        self.files: dict[bytes, Future] = {}
        self.visitors = ThreadPoolExecutor(16)
        super().__init__({name: Decider(name, self.batches, batch_size) for name in MODELS},
                         Room(128))

    def _start(self, predictor: Decider, content: bytes, keep_picture: bool) -> Future:
        return self.files.setdefault(content, Future())

    def decoded(self, content: bytes, found: object = SQUARE) -> None:
        """Be a decoder that is done with a file; let the threads see that before anything else."""
        self.files[content].set_result(found)
        while not self.waiting.empty():
            time.sleep(0.001)

    def ask(self, *contents: bytes, model: str = MODELS[0]) -> Future:
        """Be a visitor with these files; return at once, when their decoding has begun."""
        asked = self.visitors.submit(self.answer, model, contents, False, "visitor")
        while not {self.files.get(content) for content in contents} <= self.decoding:
            time.sleep(0.001)
        return asked


@pytest.fixture
def played():
    played = Played()
    yield played
    for file in played.files.values():
        if not file.done():
            file.set_result(SQUARE)
    played.visitors.shutdown()
    played.close()


def reasons(asked: Future) -> list[str]:
    return [one.prediction.reason for one in asked.result(SECONDS)]


def test_what_is_decoded_at_the_same_time_is_answered_together(played, monkeypatch):
    monkeypatch.setattr(worker, "MOMENT", 3 * SECONDS)
    asked = [played.ask(b"a", b"b"), played.ask(b"c"), played.ask(b"d")]
    for content in (b"a", b"d", b"c"):
        played.decoded(content)
    assert not any(one.done() for one in asked)
    played.decoded(b"b", ImageError("torn"))
    assert [reasons(one) for one in asked] == [[DONE, "torn"], [DONE], [DONE]]
    assert played.batches == [("first", 4)]


def test_a_full_batch_waits_for_nobody(played, monkeypatch):
    monkeypatch.setattr(worker, "MOMENT", 3 * SECONDS)
    names = [bytes([number]) for number in range(8)]
    asked = played.ask(*names)
    waits = played.ask(b"slow")
    for name in names:
        played.decoded(name)
    assert reasons(asked) == [DONE] * 8 and played.batches == [("first", 8)] and not waits.done()


def test_models_share_the_threads_and_each_answers_its_own(played, monkeypatch):
    monkeypatch.setattr(worker, "MOMENT", 3 * SECONDS)
    asked = [played.ask(b"a", b"b"), played.ask(b"c", model="second")]
    assert len(played.threads) == 2, "as many as for one model"
    for content in (b"a", b"c", b"b"):
        played.decoded(content)
    assert [reasons(one) for one in asked] == [[DONE] * 2, ["answered by second"]]
    assert sorted(played.batches) == [("first", 2), ("second", 1)]


def test_who_is_alone_does_not_wait(played, monkeypatch):
    monkeypatch.setattr(worker, "MOMENT", 3 * SECONDS)
    asked = played.ask(b"a")
    played.decoded(b"a")
    assert reasons(asked) == [DONE]


def test_a_file_that_takes_long_holds_up_the_others_for_a_moment_only(played):
    slow, quick = played.ask(b"slow"), played.ask(b"a")
    played.decoded(b"a")
    assert reasons(quick) == [DONE] and not slow.done()


@pytest.mark.parametrize("first", [b"bad", b"good"])
def test_an_error_of_decoding_reaches_its_visitor_alone(played, monkeypatch, first):
    monkeypatch.setattr(worker, "MOMENT", 3 * SECONDS)  # nobody waits for what has failed
    bad, good = played.ask(b"bad"), played.ask(b"good")
    if first == b"good":
        played.decoded(b"good")
    played.files[b"bad"].set_exception(RuntimeError("a mistake of this program"))
    if first == b"bad":
        played.decoded(b"good")
    with pytest.raises(RuntimeError, match="a mistake"):
        bad.result(SECONDS)
    assert reasons(good) == [DONE]
