"""The blind test's report: as JSON for programs, as Markdown and one drawn page for people."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from celestial.blind.verdict import Part, decide
from celestial.common.files import atomic_path, write_json
from celestial.drawing.figures import draw_blind_page
from celestial.evaluation.metrics import as_text

CANNOT_COUNT = "no pictures"


def write_reports(folder: Path, parts: Sequence[Part], facts: dict) -> list[Path]:
    """Write blind_test_report.json, .md and .png.

    Args:
        folder: where they go.
        parts: the single tests.
        facts: of the run, for the JSON; "checkpoint", "pictures", "chance" and
            "independence" are on the page too.
    """
    answer, because = decide(parts)
    counted = [(group, name, figure) for group, name, figure in accuracies(parts) if figure]
    return [
        write_json(folder / "blind_test_report.json", {
            **facts, "learned_the_content": answer, "because": because,
            "verdict": headline(parts),
            "parts": [{**asdict(part), "because": part.because} for part in parts]}),
        _write_text(folder / "blind_test_report.md", as_markdown(parts, facts)),
        draw_blind_page(answer, because, [(part.title, part.verdict, part.because)
                                          for part in parts],
                        counted, facts["chance"], folder / "blind_test_report.png"),
    ]


def headline(parts: Sequence[Part]) -> str:
    """Return the answer in one sentence."""
    answer, because = decide(parts)
    return f"learned the content: {answer}, because {because}"


def as_markdown(parts: Sequence[Part], facts: dict) -> str:
    """Return the report as text: the answer, the tests, and a table of every accuracy."""
    lines = ["# Blind test", "", f"**{_cell(headline(parts))}.**", "",
             f"{facts['pictures']} test pictures, checkpoint `{facts['checkpoint']}`. In brackets "
             f"the 95 % interval; for it {facts['independence']}.", "",
             "| test | verdict | because |", "|---|---|---|"]
    lines += [f"| {part.title} | {part.verdict} | {_cell(part.because)} |" for part in parts]
    lines += ["", f"Always naming the largest class would get {100 * facts['chance']:.1f} %.", "",
              "| pictures | accuracy |", "|---|---|"]
    lines += [f"| {_cell(group)}: {_cell(name)} | {as_text(figure) if figure else CANNOT_COUNT} |"
              for group, name, figure in accuracies(parts)]
    return "\n".join(lines) + "\n"


def accuracies(parts: Sequence[Part]) -> list[tuple[str, str, dict[str, float] | None]]:
    """Return every accuracy that was measured: (group, of what, {"value", "low", "high"})."""
    found = {part.name: part.figures for part in parts}
    rows = []
    if chance := found.get("chance"):
        rows.append(("The model", "all pictures, blind", chance["accuracy"]))
    if hidden := found.get("shortcuts"):
        count = f"{hidden['maskable']} maskable"
        rows += [("The model", "border hidden", hidden["without_border"]),
                 ("The model", "border alone", hidden["border_alone"]),
                 ("The model", f"{count}, whole", hidden["maskable_whole"]),
                 ("The model", f"{count}, object alone", hidden["object_alone"]),
                 ("The model", f"{count}, background alone", hidden["background_alone"])]
        rows += [("A plain classifier on", name, figure)
                 for name, figure in hidden["cues"].items()]
    if bands := found.get("neighbours", {}).get("by_distance"):
        rows += [("By distance to training", f"{name} ({band['pictures']})", band["accuracy"])
                 for name, band in bands.items()]
        rows.append(("By distance to training", "label of the nearest",
                     found["neighbours"]["nearest_neighbour"]))
    return rows + [("The model, pictures changed", name, change["accuracy"]) for name, change
                   in found.get("robustness", {}).get("changes", {}).items()]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _write_text(path: Path, text: str) -> Path:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path
