"""Makes the Flask application: the page, its documentation, the API."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from flask import Flask, Response, current_app, jsonify, redirect, render_template, request, url_for
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import BadRequest, HTTPException, UnsupportedMediaType
from werkzeug.exceptions import TooManyRequests as TooFast
from werkzeug.middleware.proxy_fix import ProxyFix

from celestial import __version__
from celestial.filing.collecting import CollectingFolder
from celestial.inference.predictor import Predictor
from celestial.pictures.readers.types import ImageError
from celestial.web import safety
from celestial.web.answers import as_jpeg, as_json, names_of
from celestial.web.corrections import Corrections
from celestial.web.counting import Counts
from celestial.web.hosts import visitor_of
from celestial.web.model_card import card_of
from celestial.web.openapi import describe
from celestial.web.room import BusyError, Room
from celestial.web.safety import Limits
from celestial.web.words import LANGUAGES, WORDS, chosen_language, first_page_words, listed
from celestial.web.worker import Worker

MOST_CLASSES = 1000  # in an answer
MOST_NAMED = 40  # classes, in the documentation
RETRY_AFTER = 2  # seconds
SAMPLES = Path(__file__).with_name("static") / "samples"


class Service:
    """What all pages use: the checkpoints, the limits, the counts, where corrections go."""

    def __init__(self, worker: Worker, limits: Limits, collecting: CollectingFolder | None):
        self.worker = worker
        self.corrections = Corrections(collecting, worker) if collecting else None
        self.models = worker.predictors
        self.limits = limits
        self.counts = Counts()
        self.pace = safety.Pace(limits.a_minute)

    def close(self) -> None:
        """End the threads that compute."""
        self.worker.close()


def create_app(predictors: Mapping[str, Predictor], limits: Limits | None = None,
               hosts: frozenset[str] = safety.LOCAL, proxied: bool = False,
               collecting: CollectingFolder | None = None) -> Flask:
    """Return the application.

    Args:
        predictors: by the name that a visitor sees; the first one is taken unless another is
            chosen. Their `workers` processes decode.
        limits: of requests.
        hosts: names under which it is reached, as `hosts.host_name` returns them; requests for
            others are refused.
        proxied: one proxy stands in front, which tells in X-Forwarded-For, -Proto and -Host who
            asked and how. Then only the proxy may reach the application, because anybody can send
            these headers.
        collecting: where pictures go whose answers visitors correct; None: nothing is stored.
    """
    limits = limits or Limits()
    app = Flask(__name__)
    app.config.update(MAX_CONTENT_LENGTH=limits.content_length,
                      MAX_FORM_PARTS=2 * limits.files + 10, MAX_FORM_MEMORY_SIZE=100_000)
    service = Service(Worker(predictors, Room(limits.room)), limits, collecting)
    app.extensions["celestial"] = service
    service.counts.watch(app)
    safety.guard(app, hosts)
    _keep_in_memory(app)
    _add_pages(app, service)
    _add_api(app, service)
    _add_errors(app)
    if proxied:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)
    return app


def _keep_in_memory(app: Flask) -> None:
    """Keep uploads in memory, because Werkzeug would put large ones into temporary files."""
    import io

    class InMemory(app.request_class):
        def _get_file_stream(self, *_: object, **__: object) -> io.BytesIO:
            return io.BytesIO()

    app.request_class = InMemory


def _add_pages(app: Flask, service: Service) -> None:
    known = dict.fromkeys(name for predictor in service.models.values()
                          for name in predictor.classes)
    samples = sorted(path.stem for path in SAMPLES.glob("*.jpg") if path.stem in known)
    page_words = first_page_words([names_of(name) for name in known])
    classes = {name: [names_of(label) for label in predictor.classes]
               for name, predictor in service.models.items()}

    @app.get("/")
    def index() -> str:
        return _page("index.html", models=list(service.models), limits=service.limits,
                     samples=samples, page_words=page_words, classes=classes)

    @app.get("/documentation")
    def documentation() -> str:
        cards = {name: card_of(predictor) for name, predictor in service.models.items()}
        return _page("documentation.html", cards=cards, limits=service.limits,
                     listed=partial(listed, most=MOST_NAMED))

    @app.post("/predict")
    def predict_form() -> str:
        answers, _ = answer_request(service)
        return _page("results.html", results=answers)

    @app.get("/predict")
    def no_form() -> Response:
        return redirect(url_for("index", lang=chosen_language(request)))


def _page(template: str, **content: object) -> str:
    language = chosen_language(request)
    return render_template(template, language=language, languages=LANGUAGES,
                           words=WORDS[language], version=__version__,
                           collecting=current_app.extensions["celestial"].corrections is not None,
                           **content)


def _add_api(app: Flask, service: Service) -> None:
    @app.post("/api/predict")
    def predict() -> tuple[Response, int]:
        answers, model = answer_request(service)
        if all(answer["status"] == "failed" for answer in answers):
            return _error(422, answers[0]["reason"] if len(answers) == 1 else
                          "none of the files is a picture that can be read", results=answers)
        return jsonify(model=model, results=answers), 200

    @app.post("/api/preview")
    def preview() -> Response | tuple[Response, int]:
        file, = uploaded_files(service, most=1)
        shown = service.worker.show(_model_name(service), file.read(), _visitor())
        if isinstance(shown, ImageError):
            return _error(422, str(shown))
        return Response(as_jpeg(shown), mimetype="image/jpeg")

    if service.corrections:
        @app.post("/api/correct")
        def correct() -> Response:
            safety.refuse_other_sites()
            file, = uploaded_files(service, most=1)
            return jsonify(service.corrections.file(
                file.read(), file.filename, _model_name(service), _option("correction", ""),
                _visitor()))

    @app.get("/api/openapi.json")
    def openapi() -> Response:
        return jsonify(describe(list(service.models), service.limits, request.root_path,
                                service.corrections is not None))

    @app.get("/health")
    def health() -> Response:
        return jsonify(status="ok", version=__version__, models=list(service.models))

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(service.counts.text(), mimetype="text/plain; version=0.0.4")


def answer_request(service: Service) -> tuple[list[dict], str]:
    """Answer the files of the request; return an answer for each and the model's name.

    Raises:
        HTTPException: 400, 413, 415 or 429, with the reason.
        BusyError: there is no room.
    """
    files = uploaded_files(service, service.limits.files)
    top_k, explain = _whole_number("top_k", 3, MOST_CLASSES), _switch("explain")
    name = _model_name(service)
    with service.counts.answering(len(files)):
        found = service.worker.answer(name, [file.read() for file in files], explain, _visitor())
    answers = [as_json(one, file.filename, top_k)
               for one, file in zip(found, files, strict=True)]
    for answer in answers:
        service.counts.pictures.labels(answer["status"]).inc()
    return answers, name


def uploaded_files(service: Service, most: int) -> list[FileStorage]:
    """Return the files of the request.

    Raises:
        HTTPException: 400, 413, 415 or 429, with the reason.
    """
    if service.pace.too_fast(_visitor()):
        raise TooFast(f"more than {service.limits.a_minute} requests a minute; wait a moment")
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType("send the pictures as multipart/form-data in the field file")
    files = [file for file in request.files.getlist("file") if file.filename]
    if not files:
        raise BadRequest("there is no file in the field file")
    if len(files) > most:
        raise BadRequest(f"{len(files)} files; at most {most} at once")
    return files


def _visitor() -> str:
    return visitor_of(request.remote_addr or "")


def _option(name: str, default: str) -> str:
    return request.form.get(name, request.args.get(name, default))


def _model_name(service: Service) -> str:
    name = _option("model", next(iter(service.models)))
    if name not in service.models:
        raise BadRequest(f"there is no such model; there are {', '.join(service.models)}")
    return name


def _whole_number(name: str, default: int, most: int) -> int:
    text = _option(name, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 6 or not 1 <= int(text) <= most:
        raise BadRequest(f"{name} is a whole number from 1 to {most}")
    return int(text)


def _switch(name: str) -> bool:
    text = _option(name, "false").lower()
    if text not in ("true", "false", "1", "0", "on"):
        raise BadRequest(f"{name} is true or false")
    return text in ("true", "1", "on")


def _error(status: int, reason: str, **more: object) -> tuple[Response, int]:
    return jsonify(error={"status": status, "reason": reason}, **more), status


def _add_errors(app: Flask) -> None:
    def answer(status: int, reason: str) -> Response | tuple[str, int]:
        if request.path == "/predict" and request.method == "POST":
            return _page("error.html", status=status, reason=reason), status
        return _error(status, reason)

    @app.errorhandler(HTTPException)
    def known(error: HTTPException) -> object:
        response = app.make_response(answer(error.code or 500, error.description or ""))
        if error.code == 405 and error.valid_methods:
            response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
        return response

    @app.errorhandler(BusyError)
    def busy(error: BusyError) -> Response:
        response = app.make_response(answer(503, str(error)))
        response.headers["Retry-After"] = str(RETRY_AFTER)
        return response

    @app.errorhandler(Exception)
    def unknown(error: Exception) -> object:
        app.logger.exception("a request failed")
        return answer(500, "this program failed at the request; its log says why")
