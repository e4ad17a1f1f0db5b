"""How many independent pictures a set with groups is worth: fewer than it has.

A group (column `group` of manifest.csv) holds pictures that are near-copies, or that the user says
belong together. If the model has one of them right it probably has the others right as well.
"""

from collections.abc import Iterator

import numpy as np


def any_shared(groups: np.ndarray | None) -> bool:
    """Tell whether any two pictures are of one group.

    Args:
        groups: (N,), pictures of one group have the same value; None: each is its own.
    """
    return groups is not None and len(np.unique(groups)) < len(groups)


def kept(groups: np.ndarray | None, wanted: np.ndarray | slice) -> np.ndarray | None:
    """Return the groups of only some pictures; None where there are none."""
    return None if groups is None else groups[wanted]


def effective_size(values: np.ndarray, groups: np.ndarray | None) -> float:
    """Return how many independent pictures would tell the mean of `values` as exactly.

    The number of pictures over the design effect, which is the variance of the mean between whole
    groups over that between single pictures (Rao and Scott, "A simple method for the analysis of
    clustered binary data", 1992). Two groups of mean size are added for that, one wholly at the
    smallest value and one at the largest, much as Agresti and Coull add pictures, because a few
    mistakes, all in one group, would show little of how strongly groups are correlated. Where all
    values are alike nothing shows it, and groups count as if fully correlated. N exactly where no
    two pictures are of one group.

    Args:
        values: bool or float (N,), N > 0.
        groups: (N,), see `any_shared`.

    Returns:
        From N / (mean group size, weighted by pictures), a correlation of 1 within groups, to N.
    """
    count = len(values)
    if not any_shared(groups):
        return float(count)
    values = np.asarray(values, float)
    _, rows, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    mean_size = (sizes ** 2).sum() / count
    low, high = values.min(), values.max()
    if low == high:
        return float(count / mean_size)
    sums = np.append(np.bincount(rows, values), [mean_size * low, mean_size * high])
    sizes = np.append(sizes, [mean_size, mean_size])
    mean = sums.sum() / sizes.sum()
    single = ((values - mean) ** 2).sum() + mean_size * ((low - mean) ** 2 + (high - mean) ** 2)
    whole = ((sums - mean * sizes) ** 2).sum() * len(sizes) / (len(sizes) - 1)
    return float(count / np.clip(whole / single, 1, mean_size))


def draw_groups(groups: np.ndarray, labels: np.ndarray, random: np.random.Generator,
                times: int) -> Iterator[np.ndarray]:
    """Yield how often each picture is drawn, int (N,), in a bootstrap of whole groups.

    Groups take the place of groups with pictures of the same classes, so no class disappears.

    Args:
        groups: (N,), see `any_shared`.
        labels: int (N,), the classes.
        random: draws.
        times: samples.
    """
    names, rows = np.unique(groups, return_inverse=True)
    kinds, columns = np.unique(labels, return_inverse=True)
    present = np.zeros((len(names), len(kinds)), bool)
    present[rows, columns] = True
    strata = np.unique(present, axis=0, return_inverse=True)[1].ravel()
    members = [np.flatnonzero(strata == stratum) for stratum in range(strata.max() + 1)]
    for _ in range(times):
        drawn = np.concatenate([random.choice(own, len(own)) for own in members])
        yield np.bincount(drawn, minlength=len(names))[rows]


def swap_labels(groups: np.ndarray | None, labels: np.ndarray, random: np.random.Generator,
                times: int) -> Iterator[np.ndarray]:
    """Yield labels exchanged at random between whole groups of the same size, int (N,).

    Args:
        groups: (N,), see `any_shared`. A group that is alone in its size keeps its labels.
        labels: int (N,).
        random: exchanges.
        times: samples.
    """
    if not any_shared(groups):
        yield from (random.permutation(labels) for _ in range(times))
        return
    _, rows, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.argsort(rows, kind="stable")  # the pictures, group by group
    alike = [order[sizes[rows[order]] == size].reshape(-1, size) for size in np.unique(sizes)]
    for _ in range(times):
        swapped = np.empty_like(labels)
        for pictures in alike:
            swapped[pictures] = labels[random.permutation(pictures)]
        yield swapped


def in_words(count: int, groups: np.ndarray | None) -> str:
    """Return one sentence: how the intervals count pictures.

    Args:
        count: N.
        groups: (N,), see `any_shared`; None: nothing is known of any.
    """
    if groups is None:
        return (f"each of the {count} pictures is counted as independent, because no manifest.csv "
                "says which belong together")
    if not any_shared(groups):
        return (f"each of the {count} pictures is counted as independent: by manifest.csv no two "
                "belong together")
    return (f"the {count} pictures are counted as {len(np.unique(groups))} groups of manifest.csv, "
            "because those of a group are no independent witnesses")
