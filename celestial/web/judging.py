"""From the bytes of uploaded files to answers: bounded, in small batches for many visitors."""

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from celestial.decoding import outcome, start_decoding
from celestial.explain import framed, grad_cam, overlay
from celestial.inference import Prediction, Predictor, Prepared
from celestial.preprocessing import prepare
from celestial.reading import ImageError

# A decoded picture, or what went wrong, and where its answer goes.
Waiting = tuple[Prepared | Exception, Future]
MOMENT = 0.1  # seconds at most that a decoded picture waits for those that are being decoded


class BusyError(Exception):
    """More pictures are under way than there is room for."""


@dataclass(frozen=True)
class Judged:
    """An answer for one file.

    Attributes:
        prediction: of the file; unreadable ones have their reason.
        shown: the picture framed as the network's input is, uint8 (side, side, 3), if asked for.
        heat: what speaks for the best class over the picture, uint8 (side, side, 3), if asked for.
    """

    prediction: Prediction
    shown: np.ndarray | None = None
    heat: np.ndarray | None = None


class Judge:
    """One checkpoint behind a bounded queue: what waits is judged together, a batch at a time."""

    def __init__(self, predictor: Predictor, room: int):
        """Start the threads that compute.

        Args:
            predictor: decides.
            room: pictures that may be under way at once.
        """
        self.predictor = predictor
        self.room = threading.BoundedSemaphore(room)
        self.decoding: set[Future] = set()
        self.waiting: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
        self.gathering = threading.Lock()  # or the threads would take half a batch each
        engine = predictor.engine
        self.threads = [threading.Thread(target=self._work, daemon=True)
                        for _ in range(engine.streams)]
        # Gradients take memory and time: one picture after the other.
        self.explaining = ThreadPoolExecutor(1, initializer=engine.start_stream)
        for thread in self.threads:
            thread.start()

    def close(self) -> None:
        """End the threads once what waits is done."""
        for _ in self.threads:
            self.waiting.put(None)
        for thread in self.threads:
            thread.join()
        self.explaining.shutdown()

    def judge(self, files: Sequence[bytes], explain: bool) -> list[Judged]:
        """Return an answer for each file, in order.

        Args:
            files: their bytes.
            explain: with pictures: what was seen, and what speaks for the answer.

        Raises:
            BusyError: there is no room for all of them; nothing was begun.
        """
        with self._places(len(files)):
            return self._judge(files, explain)

    def show(self, content: bytes) -> np.ndarray | ImageError:
        """Return a file as a small picture, uint8 (height, width, 3), or why it is none.

        Raises:
            BusyError: there is no room.
        """
        with self._places(1):
            found = outcome(self._start(content, keep_picture=True))
        return found if isinstance(found, ImageError) else found.picture

    @contextmanager
    def _places(self, count: int) -> Iterator[None]:
        """Hold a number of the places, or raise BusyError and hold none."""
        taken = 0
        try:
            for _ in range(count):
                if not self.room.acquire(blocking=False):
                    raise BusyError
                taken += 1
            yield
        finally:
            for _ in range(taken):
                self.room.release()

    def _start(self, content: bytes, keep_picture: bool) -> Future:
        read = partial(prepare, self.predictor.preprocessing, keep_picture=keep_picture)
        return start_decoding(self.predictor.workers, read, content)

    def _judge(self, files: Sequence[bytes], explain: bool) -> list[Judged]:
        answers = [Future() for _ in files]
        for number, (content, answer) in enumerate(zip(files, answers, strict=True)):
            future = self._start(content, keep_picture=explain)
            self.decoding.add(future)
            future.add_done_callback(partial(self._decoded, number, answer))
        found = [answer.result() for answer in answers]
        return [self._judged(one) for one in found]

    def _decoded(self, number: int, answer: Future, future: Future) -> None:
        try:
            found = _prepared(number, future)
        except Exception as error:  # the visitor gets it and must not wait for ever
            found = error
        self.decoding.discard(future)  # before it waits, or who gathers would still wait for it
        self.waiting.put((found, answer))

    def _judged(self, prediction: Prediction) -> Judged:
        if prediction.square is None:
            return Judged(prediction)
        shown = framed(self.predictor, prediction)
        heat = self.explaining.submit(self._explain, prediction, shown).result()
        return Judged(prediction, shown, heat)

    def _explain(self, prediction: Prediction, shown: np.ndarray) -> np.ndarray:
        heat, = grad_cam(self.predictor, torch.from_numpy(prediction.square)[None],
                         [int(prediction.probabilities.argmax())])
        return overlay(shown, heat)

    def _work(self) -> None:
        self.predictor.engine.start_stream()
        while True:
            with self.gathering:
                batch = self._gather()
            ended = batch[-1] is None
            self._answer([item for item in batch if item is not None])
            if ended:
                return

    def _gather(self) -> list[Waiting | None]:
        """Wait for a picture and, for a moment, for those that are being decoded meanwhile.

        Alone, a picture takes three times as long as one of ten that are judged together.
        """
        batch = [self.waiting.get()]
        until = time.monotonic() + MOMENT
        while batch[-1] is not None and len(batch) < self.predictor.engine.batch_size:
            patience = max(0.0, until - time.monotonic()) if self.decoding else 0
            try:
                batch.append(self.waiting.get(timeout=patience))
            except queue.Empty:
                break
        return batch

    def _answer(self, batch: list[Waiting]) -> None:
        for found, answer in batch:
            if isinstance(found, Exception):
                answer.set_exception(found)
        batch = [item for item in batch if not item[1].done()]
        try:
            predictions = self.predictor.judge([prepared for prepared, _ in batch])
        except Exception as error:  # the thread must live on; each visitor gets the error
            for _, answer in batch:
                answer.set_exception(error)
            return
        for (_, answer), prediction in zip(batch, predictions, strict=True):
            answer.set_result(prediction)


def _prepared(number: int, future: Future) -> Prepared:
    return Prepared.of(Path(str(number)), outcome(future))
