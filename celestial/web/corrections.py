"""Files pictures that visitors send again because an answer is right or wrong (--collect)."""

from werkzeug.exceptions import BadRequest, HTTPException, InternalServerError, UnprocessableEntity

from celestial.common.class_names import NONE, UNKNOWN, checked_class
from celestial.common.console import UserError
from celestial.common.files import DISK_FULL, sha256_of
from celestial.filing.collecting import CollectingFolder, Correction, Filed
from celestial.pictures.readers.types import ImageError
from celestial.web.safety import Pace
from celestial.web.worker import Worker

A_MINUTE = 60  # corrections from one visitor
MOST_HELD = 10 << 30  # bytes of pictures in the folder; a stranger shall not fill the disk


class TooMany(HTTPException):
    """The visitor corrects faster than a person does."""

    code = 429
    description = f"more than {A_MINUTE} corrections a minute; wait a moment"


class NoSpace(HTTPException):
    """The server has no space for another picture."""

    code = 507
    description = "this server has no space for more corrected pictures; nothing was stored"


class Corrections:
    """A collecting folder behind the page. What a visitor sends is never believed as an answer."""

    def __init__(self, folder: CollectingFolder, worker: Worker):
        """Take the folder, and the worker that answers each picture again."""
        self.folder = folder
        self.worker = worker
        self.pace = Pace(A_MINUTE)
        self.models = {name: sha256_of(predictor.path) if predictor.path.is_file() else ""
                       for name, predictor in worker.predictors.items()}
        self.held = self._bytes_held()

    def file(self, data: bytes, filename: str, model: str, written: str, visitor: str) -> dict:
        """Store a picture under a class; return what was done, as /api/openapi.json has it.

        Args:
            data: the picture's bytes, as they were sent for the answer.
            filename: of the picture.
            model: name of the checkpoint that answered.
            written: the right class, or NONE.
            visitor: who says so.

        Raises:
            HTTPException: 400, 422, 429, 500 or 507, with the reason; nothing was stored.
            BusyError: there is no room to answer the picture.
        """
        if self.pace.too_fast(visitor):
            raise TooMany
        try:
            label = checked_class(written, (NONE, *self.worker.predictors[model].classes))
        except UserError as error:
            raise BadRequest(str(error)) from error
        self._require_space(len(data))
        answer, = self.worker.answer(model, [data], False, visitor)
        prediction = answer.prediction
        if prediction.probabilities is None:
            raise UnprocessableEntity(prediction.reason)
        best, probability = prediction.top(1)[0]
        filed = self._file(data, Correction(
            filename, best if prediction.status == "ok" else UNKNOWN, probability, label,
            self.models[model]))
        if not filed.known:
            self.held += len(data)
        return {"correction": label, "known": filed.known, "cleaned": filed.cleaned,
                "sha256_sent": filed.sha256_sent, "sha256_stored": filed.sha256_stored}

    def _file(self, data: bytes, correction: Correction) -> Filed:
        try:
            return self.folder.file(data, correction)
        except UserError as error:
            if isinstance(error.__cause__, ImageError):
                raise UnprocessableEntity(str(error)) from error
            raise InternalServerError("this server's table of corrections cannot be used; nothing "
                                      "was stored") from error
        except OSError as error:
            if error.errno in DISK_FULL:
                raise NoSpace from error
            raise InternalServerError("this server cannot write its folder of corrections; nothing "
                                      "was stored") from error

    def _require_space(self, wanted: int) -> None:
        if self.held + wanted > MOST_HELD:
            self.held = self._bytes_held()  # pictures may have been taken away
            if self.held + wanted > MOST_HELD:
                raise NoSpace

    def _bytes_held(self) -> int:
        return sum(path.stat().st_size for path in self.folder.folder.rglob("*")
                   if path.is_file())
