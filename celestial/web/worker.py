"""Answers uploaded files in small batches, for many visitors at once, within a bounded room."""

import queue
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from celestial.drawing.explain import framed, grad_cam, overlay
from celestial.inference.predictor import Prediction, Predictor, Prepared
from celestial.pictures.decoder_pool import outcome, start_decoding
from celestial.pictures.preprocessing import prepare
from celestial.pictures.readers.types import ImageError
from celestial.web.room import Room

# The predictor, a decoded picture or the error in its place, and the future of its answer.
Waiting = tuple[Predictor, Prepared | Exception, Future]
MOMENT = 0.1  # seconds at most that a decoded picture waits for those that are being decoded
VIEWS = 4  # of each square, whose logits are averaged: 3 of 100 photographs more are right
ENDING = 10  # seconds that a thread has to finish its batch at the end


@dataclass(frozen=True)
class Answer:
    """An answer for one file.

    Attributes:
        prediction: of the file; unreadable ones have their reason.
        shown: the picture framed as the network's input is, uint8 (side, side, 3), if asked for.
        heat: the Grad-CAM of the best class over it, uint8 (side, side, 3), if asked for.
    """

    prediction: Prediction
    shown: np.ndarray | None = None
    heat: np.ndarray | None = None


class Worker:
    """One bounded queue for all checkpoints, whose waiting pictures are answered in batches."""

    def __init__(self, predictors: Mapping[str, Predictor], room: Room):
        """Start the threads that compute; the checkpoints share them.

        Args:
            predictors: name -> predictor, all on one device.
            room: for the pictures that are under way.
        """
        self.predictors = dict(predictors)
        self.room = room
        self.decoding: set[Future] = set()
        self.waiting: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
        self.gathering = threading.Lock()  # else each thread takes half a batch
        engine = next(iter(self.predictors.values())).engine
        self.start_stream = engine.start_stream
        self.threads = [threading.Thread(target=self._work, daemon=True)
                        for _ in range(engine.streams)]
        # Gradients take memory and time: one picture after the other.
        self.explaining = ThreadPoolExecutor(1, initializer=engine.start_stream)
        for thread in self.threads:
            thread.start()

    def close(self) -> None:
        """End the threads; each has `ENDING` seconds to answer what waits."""
        for _ in self.threads:
            self.waiting.put(None)
        for thread in self.threads:
            thread.join(ENDING)
        self.explaining.shutdown(wait=False, cancel_futures=True)

    def answer(self, name: str, files: Sequence[bytes], explain: bool, visitor: str
              ) -> list[Answer]:
        """Return an answer for each file, in order; as many at once as the visitor has places.

        Args:
            name: of the checkpoint.
            files: their bytes.
            explain: with pictures: what the network saw, and its Grad-CAM.
            visitor: whose files they are.

        Raises:
            BusyError: there is no room; nothing was begun.
        """
        predictor = self.predictors[name]
        with self.room.hold(visitor, len(files)) as places:
            return [answer for first in range(0, len(files), places)
                    for answer in self._answer_all(predictor, files[first:first + places], explain)]

    def show(self, name: str, content: bytes, visitor: str) -> np.ndarray | ImageError:
        """Return a file as a small picture, uint8 (height, width, 3), or why it is none.

        Raises:
            BusyError: there is no room.
        """
        with self.room.hold(visitor, 1):
            found = outcome(self._start(self.predictors[name], content, keep_picture=True))
        return found if isinstance(found, ImageError) else found.picture

    def _start(self, predictor: Predictor, content: bytes, keep_picture: bool) -> Future:
        read = partial(prepare, predictor.preprocessing, keep_picture=keep_picture)
        return start_decoding(predictor.workers, read, content)

    def _answer_all(self, predictor: Predictor, files: Sequence[bytes], explain: bool
                    ) -> list[Answer]:
        answers = [Future() for _ in files]
        for number, (content, answer) in enumerate(zip(files, answers, strict=True)):
            future = self._start(predictor, content, keep_picture=explain)
            self.decoding.add(future)
            future.add_done_callback(partial(self._decoded, predictor, number, answer))
        found = [answer.result() for answer in answers]
        return [self._with_heat(predictor, one) for one in found]

    def _decoded(self, predictor: Predictor, number: int, answer: Future, future: Future) -> None:
        try:
            found = _prepared(number, future)
        except Exception as error:  # passed on, or the visitor would wait for ever
            found = error
        self.decoding.discard(future)  # first, or `_gather` would wait for it
        self.waiting.put((predictor, found, answer))

    def _with_heat(self, predictor: Predictor, prediction: Prediction) -> Answer:
        if prediction.square is None:
            return Answer(prediction)
        shown = framed(predictor, prediction)
        heat = self.explaining.submit(_explain, predictor, prediction, shown).result()
        return Answer(prediction, shown, heat)

    def _work(self) -> None:
        self.start_stream()
        while True:
            with self.gathering:
                batch = self._gather()
            ended = batch[-1] is None
            waiting = [item for item in batch if item is not None]
            for predictor in dict.fromkeys(item[0] for item in waiting):
                _answer(predictor, [item[1:] for item in waiting if item[0] is predictor])
            if ended:
                return

    def _gather(self) -> list[Waiting | None]:
        """Wait for a picture and, for a moment, for those that are being decoded meanwhile.

        We wait because a picture by itself takes three times as long as one of ten in a batch.
        """
        batch = [self.waiting.get()]
        until = time.monotonic() + MOMENT
        most = min(predictor.engine.batch_size for predictor in self.predictors.values())
        while batch[-1] is not None and len(batch) < most:
            patience = max(0.0, until - time.monotonic()) if self.decoding else 0
            try:
                batch.append(self.waiting.get(timeout=patience))
            except queue.Empty:
                break
        return batch


def _explain(predictor: Predictor, prediction: Prediction, shown: np.ndarray) -> np.ndarray:
    heat, = grad_cam(predictor, torch.from_numpy(prediction.square)[None],
                     [int(prediction.probabilities.argmax())])
    return overlay(shown, heat)


def _answer(predictor: Predictor, batch: Sequence[tuple[Prepared | Exception, Future]]) -> None:
    """Answer the decoded pictures of one checkpoint."""
    for found, answer in batch:
        if isinstance(found, Exception):
            answer.set_exception(found)
    batch = [item for item in batch if not item[1].done()]
    try:
        predictions = predictor.predict_prepared([prepared for prepared, _ in batch])
    except Exception as error:  # the thread must live on; each visitor gets the error
        for _, answer in batch:
            answer.set_exception(error)
        return
    for (_, answer), prediction in zip(batch, predictions, strict=True):
        answer.set_result(prediction)


def _prepared(number: int, future: Future) -> Prepared:
    return Prepared.of(Path(str(number)), outcome(future))
