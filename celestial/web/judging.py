"""From the bytes of uploaded files to answers: bounded, in small batches for many visitors."""

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
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


class BusyError(Exception):
    """More pictures are under way than there is room for."""


@dataclass(frozen=True)
class Judged:
    """An answer for one file.

    Attributes:
        prediction: of the file; unreadable ones have their reason.
        shown: the picture framed as the network's input is, uint8 (side, side, 3).
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
        self.waiting: queue.SimpleQueue[tuple[Prepared, Future] | None] = queue.SimpleQueue()
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

        Raises:
            BusyError: there is no room for all of them; nothing was begun.
        """
        taken = 0
        try:
            for _ in files:
                if not self.room.acquire(blocking=False):
                    raise BusyError
                taken += 1
            return self._judge(files, explain)
        finally:
            for _ in range(taken):
                self.room.release()

    def _judge(self, files: Sequence[bytes], explain: bool) -> list[Judged]:
        read = partial(prepare, self.predictor.preprocessing, keep_picture=True)
        reading = [start_decoding(self.predictor.workers, read, content) for content in files]
        answers = []
        for number, future in enumerate(reading):
            answer: Future = Future()
            self.waiting.put((_prepared(number, future), answer))
            answers.append(answer)
        found = [answer.result() for answer in answers]
        return [self._judged(one, explain) for one in found]

    def _judged(self, prediction: Prediction, explain: bool) -> Judged:
        if prediction.square is None:
            return Judged(prediction)
        shown = framed(self.predictor, prediction)
        heat = (self.explaining.submit(self._explain, prediction, shown).result() if explain
                else None)
        return Judged(prediction, shown, heat)

    def _explain(self, prediction: Prediction, shown: np.ndarray) -> np.ndarray:
        heat, = grad_cam(self.predictor, torch.from_numpy(prediction.square)[None],
                         [int(prediction.probabilities.argmax())])
        return overlay(shown, heat)

    def _work(self) -> None:
        self.predictor.engine.start_stream()
        while True:
            batch = [self.waiting.get()]
            while batch[-1] is not None and len(batch) < self.predictor.engine.batch_size:
                try:
                    batch.append(self.waiting.get_nowait())
                except queue.Empty:
                    break
            ended = batch[-1] is None
            self._answer([item for item in batch if item is not None])
            if ended:
                return

    def _answer(self, batch: list[tuple[Prepared, Future]]) -> None:
        try:
            found = self.predictor.judge([prepared for prepared, _ in batch])
        except Exception as error:  # the thread must live on; each visitor gets the error
            for _, answer in batch:
                answer.set_exception(error)
            return
        for (_, answer), prediction in zip(batch, found, strict=True):
            answer.set_result(prediction)


def _prepared(number: int, future: Future) -> Prepared:
    found = outcome(future)
    if isinstance(found, ImageError):
        return Prepared(Path(str(number)), None, str(found))
    return Prepared(Path(str(number)), found[0], "", found[1])
