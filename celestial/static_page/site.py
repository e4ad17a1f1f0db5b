"""Writes the folder, from the templates, words and style of the Flask page."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import jinja2

from celestial import __version__
from celestial.common.files import atomic_path
from celestial.static_page import onnxruntime_web
from celestial.web.answers import names_of
from celestial.web.words import LANGUAGES, WORDS, first_page_words

HERE = Path(__file__).parent
FLASK_PAGE = HERE.parent / "web"
FROM_FLASK_PAGE = ("page.js", "drawing.js", "words.js", "style.css", "icon.svg")
OWN = ("browser.js", "network.js")
SAMPLES = "samples"
INDEX, SERVICE_WORKER = "index.html", "service_worker.js"
MODEL, LICENCES = "model.onnx", "licences.txt"
OWN_WORDS = ("needs_script", "loading", "cannot_decode", "too_many_pixels", "invisible")
OTHER_WORDS = ("intro", "private", "offline")  # which have a row of another name: intro_here ...
# Nothing from elsewhere; WebAssembly is compiled, but no text is taken for a script.
POLICY = ("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
          "img-src 'self' data: blob:; connect-src 'self'; worker-src 'self'; form-action 'none'; "
          "base-uri 'none'")


def write_site(folder: Path, model: bytes, classes: Sequence[str], reject_below: float,
               licence: str) -> list[Path]:
    """Write the page's files; each is whole or as it was, and index.html comes last.

    Args:
        folder: made where it is missing; files of other names in it stay.
        model: the content of model.onnx.
        classes: its classes, in the order of its probabilities.
        reject_below: threshold of its known_score.
        licence: of the model.

    Returns:
        The paths of the files.

    Raises:
        UserError: ONNX Runtime cannot be fetched.
    """
    files = {**onnxruntime_web.fetch(), MODEL: model,
             LICENCES: licences(licence).encode()}
    for place, names in ((FLASK_PAGE, FROM_FLASK_PAGE), (HERE, OWN)):
        files |= {name: (place / "static" / name).read_bytes() for name in names}
    samples = [path for path in sorted((FLASK_PAGE / "static" / SAMPLES).glob("*.jpg"))
               if path.stem in classes]
    files |= {f"{SAMPLES}/{path.name}": path.read_bytes() for path in samples}
    index = render_index(classes, reject_below, [path.stem for path in samples])
    files[SERVICE_WORKER] = service_worker({**files, INDEX: index}).encode()
    files[INDEX] = index
    for name, content in files.items():
        with atomic_path(folder / name) as temporary:
            temporary.write_bytes(content)
    return [folder / name for name in files]


def render_index(classes: Sequence[str], reject_below: float, samples: Sequence[str]) -> bytes:
    """Return the page, in English; its script turns it into the visitor's language."""
    templates = jinja2.FileSystemLoader([HERE / "templates", FLASK_PAGE / "templates"])
    environment = jinja2.Environment(loader=templates, autoescape=True)
    words = page_words([names_of(name) for name in classes])
    about = {"classes": [{"class": name, "names": names_of(name)} for name in classes],
             "reject_below": reject_below, "languages": list(LANGUAGES)}
    return environment.get_template("static.html").render(
        url_for=_relative, policy=POLICY, about=about, words=words["en"],
        page_words=words, language="en", languages=LANGUAGES, models=[MODEL],
        samples=samples, version=__version__).encode()


def page_words(classes: Sequence[Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Return what the page says in each language: the Flask page's words, but for its own."""
    return {language: {**words, **{name: WORDS[language][name] for name in OWN_WORDS},
                       **{name: WORDS[language][f"{name}_here"] for name in OTHER_WORDS}}
            for language, words in first_page_words(classes).items()}


def _relative(endpoint: str, filename: str = "", **_: str) -> str:
    """Stand for Flask's url_for: all files lie beside the page, wherever a host shows it."""
    return filename if endpoint == "static" else "./"


def service_worker(files: Mapping[str, bytes]) -> str:
    """Return the service worker, which keeps these files; its version is a hash of them."""
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(name.encode() + hashlib.sha256(content).digest())
    content = {"VERSION": digest.hexdigest()[:16],
               "FILES": ["./", *sorted(name for name in files if name != LICENCES)]}
    text = (HERE / "static" / SERVICE_WORKER).read_text(encoding="utf-8")
    return text.replace("{{ content }}", json.dumps(content))


def licences(of_model: str) -> str:
    """Return whose work the page's files are, and under which terms."""
    return (HERE / "static" / LICENCES).read_text(encoding="utf-8").replace("{{ model }}", of_model)
