"""The tables and the chart of prediction_speed.py, and how answers are compared. Not a script."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from statistics import median

import numpy as np

from celestial.common.files import atomic_path
from celestial.common.tables import read_csv, write_csv


@dataclass(frozen=True)
class Row:
    """What one run in one round took: a row of the CSV.

    Attributes:
        round: from 1 on.
        what: a contender's name, or a part of the limit.
        pictures: how many.
        seconds: wall clock; of a whole process, or of the work alone for a part of the limit.
        computed: from a run on fewer pictures.
        same: pictures with the same first answer as ours; compared: of how many.
        largest_difference: of any probability from ours.
    """

    round: int
    what: str
    pictures: int
    seconds: float
    computed: bool = False
    same: int | str = ""
    compared: int | str = ""
    largest_difference: float | str = ""

    @property
    def per_second(self) -> float:
        return self.pictures / self.seconds


def read_answers(out: Path) -> dict[str, dict[str, float]]:
    """Return each picture's probabilities by class: of ours the first three, of others all."""
    ours = out / "batch_prediction_summary.csv"
    if ours.exists():
        return {row["filename"]: {name: float(value) for name, value in (
            part.rsplit(":", 1) for part in row["top5"].split("; ") if part)}
            for row in read_csv(ours)}
    with (out / "answers.csv").open(encoding="utf-8", newline="") as file:
        return {row.pop("filename"): {name: float(value) for name, value in row.items()
                                      if name != "prediction"} for row in csv.DictReader(file)}


def compare(ours: dict, answers: dict) -> tuple[int, float]:
    """Return how many pictures have the same first answer, and the largest difference."""
    same, largest = 0, 0.0
    for picture, found in answers.items():
        expected = ours[picture]
        same += max(expected, key=expected.get) == max(found, key=found.get)
        largest = max([largest, *(abs(expected[name] - found[name])
                                  for name in expected.keys() & found.keys())])
    return same, largest


def spread(values: Iterable[float], form: str = "{:.1f}") -> str:
    """Return the median with the least and the most in brackets."""
    values = np.array(list(values))
    return f"{form} ({form} – {form})".format(np.median(values), values.min(), values.max())


def of(rows: Sequence[Row], what: str, count: int) -> list[Row]:
    """Return the rows of one contender and number of pictures, a row for each round."""
    return [row for row in rows if (row.what, row.pictures) == (what, count)]


def ratios(rows: Sequence[Row], what: str, against: str, count: int) -> list[float]:
    """Return in each round how many times as long as ours a contender took."""
    return [row.seconds / ours.seconds for row, ours in zip(
        of(rows, what, count), of(rows, against, count), strict=True)]


def table_of_contenders(contenders: Sequence, rows: Sequence[Row], counts: list[int]) -> list[str]:
    """Return the table of whole processes; medians, least and most in brackets."""
    heads = ["what", *(f"{count:,} pictures, s" for count in counts), "pictures/s",
             *(f"times as long as ours, {count:,}" for count in counts), "ours is",
             "same first answer", "largest difference"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for contender in contenders:
        name = contender.label
        if contender.missing:
            cells = [name, contender.missing, *[""] * (len(heads) - 2)]
        else:
            found = [of(rows, contender.name, count) for count in counts]
            every = [row for part in found for row in part]
            cells = [name, *(spread(row.seconds for row in part)
                             + (", computed" if part[0].computed else "") for part in found),
                     spread(row.per_second for row in found[-1]),
                     *(spread(ratios(rows, contender.name, contender.against, count), "{:.2f}")
                       for count in counts), contender.against,
                     f"{sum(row.same for row in every)} of {sum(row.compared for row in every)}",
                     f"{max(row.largest_difference for row in every):.4f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def parts_of_limit(contender, rows: Sequence[Row], counts: list[int], limits: list[dict]
                   ) -> list[list]:
    """Return a run of ours as proportions of its limit, a list for each round.

    The first counts start-up, the second is of the pictures that the most have more than the
    fewest; it is left out where there is one number of pictures only.
    """
    own = [limit["limit"] for limit in limits if limit["engine"] == contender.engine]
    least, most = (of(rows, contender.name, count) for count in (counts[0], counts[-1]))
    found = [[row.per_second / limit for row, limit in zip(most, own, strict=True)]]
    if len(counts) > 1:
        found.append([(many.pictures - few.pictures) / (many.seconds - few.seconds) / limit
                      for few, many, limit in zip(least, most, own, strict=True)])
    return found


def table_of_limits(contenders: Sequence, rows: Sequence[Row], counts: list[int],
                    limits: list[dict]) -> list[str]:
    """Return the table of what the machine could do, and of ours as a proportion of it."""
    lines = ["| engine | decoding alone, pictures/s | network alone | limit | batch |",
             "|---|---|---|---|---|"]
    for engine in dict.fromkeys(limit["engine"] for limit in limits):
        own = [limit for limit in limits if limit["engine"] == engine]
        parts = [spread(limit[part] for limit in own) for part in ("decode", "forward", "limit")]
        sizes = sorted({limit["batch_size"] for limit in own})
        lines.append(f"| {engine} | {' | '.join(parts)} | {', '.join(map(str, sizes))} |")
    lines += ["", f"| ours | part of the limit, {counts[-1]:,} pictures with start-up | without: "
              f"{counts[0]:,} more to {counts[-1]:,} |", "|---|---|---|"]
    for contender in contenders:
        if contender.engine and not contender.missing:
            cells = [spread(part, "{:.1%}")
                     for part in parts_of_limit(contender, rows, counts, limits)]
            lines.append(f"| {contender.name} | {' | '.join([*cells, '–'][:2])} |")
    return lines


def write_rows(rows: Sequence[Row], limits: list[dict], path: Path) -> Path:
    """Write the raw figures of every round."""
    names = [field.name for field in fields(Row)]
    parts = [[limit["round"], f"{part} alone, {limit['engine']}", "", "", "", "", "", "",
              limit[part]] for limit in limits for part in ("decode", "forward")]
    return write_csv(path, [*names, "pictures_per_s"],
                     [[*astuple(row), row.per_second] for row in rows] + parts)


def draw_speeds(contenders: Sequence, rows: Sequence[Row], counts: list[int], limits: list[dict],
                path: Path) -> Path:
    """Draw the pictures a second of each contender, and the limits."""
    from celestial.drawing.figures import BLUE, GREY, ORANGE, plt, save

    bars = [(contender.label, [row.per_second for row in of(rows, contender.name, counts[-1])],
             BLUE if contender.engine else ORANGE)
            for contender in contenders if not contender.missing]
    bars += [(f"limit of the machine, {engine}",
              [limit["limit"] for limit in limits if limit["engine"] == engine], GREY)
             for engine in dict.fromkeys(limit["engine"] for limit in limits)]
    figure, axis = plt.subplots(figsize=(10, 0.55 * len(bars) + 1.6))
    for place, (_, values, colour) in enumerate(bars):
        middle = float(np.median(values))
        axis.barh(place, middle, color=colour, height=0.62, alpha=0.85)
        axis.errorbar(middle, place, xerr=[[middle - min(values)], [max(values) - middle]],
                      fmt="none", ecolor="black", capsize=3, linewidth=1)
        axis.annotate(f"{middle:.1f}", (max(values), place), (6, 0), va="center",
                      textcoords="offset points")
    axis.set_yticks(range(len(bars)), [name.replace(" (", "\n(") for name, _, _ in bars])
    axis.invert_yaxis()
    axis.margins(x=0.1)
    axis.set_xlim(0, None)
    axis.set_xlabel("Pictures a second; lines: least and most of all rounds")
    axis.set_title(f"{counts[-1]:,} pictures, start-up included")
    return save(figure, path)


def write_outputs(contenders: Sequence, rows: Sequence[Row], limits: list[dict],
                  counts: list[int], out: Path) -> list[Path]:
    """Print the tables and write them, the raw figures and the chart; return the files."""
    lines = [*table_of_contenders(contenders, rows, counts), "",
             *table_of_limits(contenders, rows, counts, limits)]
    print("\n" + "\n".join(lines), flush=True)
    report = out / "prediction_speed.md"
    with atomic_path(report) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [report, write_rows(rows, limits, out / "prediction_speed.csv"),
            draw_speeds(contenders, rows, counts, limits, out / "prediction_speed.png")]


def figures_of(contenders: Sequence, rows: Sequence[Row], limits: list[dict],
               counts: list[int]) -> dict:
    """Return the medians for the RESULT line."""
    most = counts[-1]
    return {
        "pictures": most,
        "times_as_long_as_ours": {one.label: round(median(
            ratios(rows, one.name, one.against, most)), 3) for one in contenders if not one.engine},
        "share_of_limit": {one.name: [round(median(part), 3) for part in parts_of_limit(
            one, rows, counts, limits)] for one in contenders if one.engine}}
