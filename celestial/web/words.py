"""Every text of the page in each language, from words.csv."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from flask import Request

from celestial.common.tables import read_csv

LANGUAGES = {"en": "English", "zh": "中文", "ko": "한국어"}
_ROWS = read_csv(Path(__file__).with_name("words.csv"))
WORDS = {language: {row["name"]: row[language] for row in _ROWS} for language in LANGUAGES}
MOST_KNOWN = 16  # classes named on the first page


def chosen_language(request: Request) -> str:
    """Return the language of a request: ?lang=, else the browser's, else English."""
    asked = request.args.get("lang", "")
    return asked if asked in LANGUAGES else request.accept_languages.best_match(
        list(LANGUAGES)) or "en"


def first_page_words(classes: Sequence[Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Return what the first page says in each language, because it switches the language itself.

    Args:
        classes: names, each by language, of what the models know.
    """
    first = [row["name"] for row in _ROWS if row["page"] == "first"]
    return {language: {name: WORDS[language][name] for name in first} | {
        "knows_these": WORDS[language]["knows_these"].format(
            classes=listed(classes, language, MOST_KNOWN))} for language in LANGUAGES}


def listed(classes: Sequence[Mapping[str, str]], language: str, most: int) -> str:
    """Return the names of the first `most` classes and how many more there are."""
    words = WORDS[language]
    names = [one[language].replace("_", " ") for one in classes[:most]]
    named = words["comma"].join(name[:1].upper() + name[1:] for name in names)
    left = len(classes) - most
    return words["and_more"].format(classes=named, count=left) if left > 0 else named
