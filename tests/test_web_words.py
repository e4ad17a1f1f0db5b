"""The page's templates and words by themselves, without a server."""

import re
from pathlib import Path

import jinja2
import pytest

from celestial.web import words
from celestial.web.words import LANGUAGES, WORDS, first_page_words, listed

WEB = Path(words.__file__).parent
NAMES = [{"en": "mars", "zh": "火星", "ko": "화성"},
         {"en": "star_cluster", "zh": "星团", "ko": "성단"}]


def test_the_first_page_can_be_drawn_without_a_request():
    """With relative addresses, as a folder of files wants them."""
    templates = jinja2.Environment(loader=jinja2.FileSystemLoader(WEB / "templates"),
                                   autoescape=True, undefined=jinja2.StrictUndefined)
    page = templates.get_template("index.html").render(
        url_for=lambda name, filename="", **_: filename or name, language="zh",
        languages=LANGUAGES, words=WORDS["zh"], page_words=first_page_words(NAMES), version="1",
        models=["one"], samples=["mars"], limits={"megabytes": 1})
    assert 'src="server.js"' in page and 'href="style.css"' in page and "它认识火星、星团；" in page
    assert not re.findall(r'(?:href|src|action)="(?:/|http)', page)


@pytest.mark.parametrize(("language", "most", "told"), [
    ("en", 2, "Mars, Star cluster"), ("en", 1, "Mars and 1 more"), ("zh", 1, "火星以及另外 1 个"),
    ("ko", 1, "화성 외 1개")])
def test_classes_in_words(language, most, told):
    assert listed(NAMES, language, most) == told


def test_every_word_is_used():
    used = "".join(path.read_text(encoding="utf-8") for pattern in ("*.py", "*.js", "*.html")
                   for path in WEB.parent.rglob(pattern))
    # Two kinds of names are put together where they are used.
    assert '"on_" ~ one.split' in used and '{name}_here"' in used
    assert not [name for name in WORDS["en"] if name not in ("on_val", "on_test")
                and not re.search(rf"\b{name.removesuffix('_here')}\b", used)]
