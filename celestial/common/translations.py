"""Reads the classes' names in Chinese and Korean from names.csv."""

from pathlib import Path

from celestial.common.tables import read_csv

LANGUAGES = ("zh", "ko")


def load_names() -> dict[str, dict[str, str]]:
    """Return class -> {"zh": ..., "ko": ...}; a class that names.csv lacks keeps its own name."""
    rows = read_csv(Path(__file__).with_name("names.csv"))
    return {row["class"]: {language: row[language] for language in LANGUAGES} for row in rows}
