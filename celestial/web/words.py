"""Every text of the page in each language, from words.csv."""

from pathlib import Path

from flask import Request

from celestial.common.tables import read_csv

LANGUAGES = {"en": "English", "zh": "中文", "ko": "한국어"}
_ROWS = read_csv(Path(__file__).with_name("words.csv"))
WORDS = {language: {row["name"]: row[language] for row in _ROWS} for language in LANGUAGES}
# What the first page needs, which may switch the language itself.
PAGE_WORDS = {language: {row["name"]: row[language] for row in _ROWS if row["page"] == "first"}
              for language in LANGUAGES}


def chosen_language(request: Request) -> str:
    """Return the language of a request: ?lang=, else the browser's, else English."""
    asked = request.args.get("lang", "")
    return asked if asked in LANGUAGES else request.accept_languages.best_match(
        list(LANGUAGES)) or "en"
