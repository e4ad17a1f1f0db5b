"""Finds the empty border that a stack, a mosaic or a turned frame has in its picture."""

import numpy as np

MOST_CONSTANTS = 3  # the most frequent values along the picture's edge, which may be a border's
LEAST_OF_EDGE = 0.01  # proportion of the edge that a border's value takes, at least
LEAST_BORDER = 0.5  # pixels of a border, at least, as a proportion of the shorter side
LEAST_LEFT = 0.5  # proportion of a border left without its single pixels; of a noisy sky 0.25
LEAST_FRAME = 0.1  # proportion of the picture that the frames cover, at least
STRAIGHT = 0.7  # straight proportion of the frames' outlines, at least; half a Moon has 0.4
LONG = 0.1  # a long side by the whole outline; a disc has no straight piece of that length
LEAST_LONG = 24  # pixels of a long side, because a disc of 12 pixels looks like an octagon
PARALLEL = 3  # degrees by which parallel sides may differ
FINE = 1 / 700  # of the longer side: how far an outline may lie from a line that it follows
SEAM = 5  # pixels: the width of the square by which a border grows over what was interpolated


def border_of(channel: np.ndarray) -> np.ndarray | None:
    """Find the empty border around the frames of which a picture was made.

    A border is a region of one value, whatever that is, connected to the picture's edge. The rest
    of the picture, the frames, has straight sides. Constant sky around a planet is no border,
    because the rest is round.

    Args:
        channel: float (height, width); NaN is a value like any other.

    Returns:
        bool (height, width), true in the border; None where there is none.
    """
    edge = np.concatenate([channel[0], channel[-1], channel[:, 0], channel[:, -1]])
    values, counts = np.unique(edge, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:MOST_CONSTANTS]
    empty = [_connected_to_edge(np.isnan(channel) if np.isnan(value) else channel == value)
             for value in values[order[counts[order] >= LEAST_OF_EDGE * len(edge)]]]
    borders = [region for region in empty if _leaves_frames(region)]
    return np.logical_or.reduce(borders) if borders else None


def with_seam(border: np.ndarray) -> np.ndarray:
    """Return a border with the pixels beside it, which mix its value with the frame's."""
    import cv2

    return cv2.dilate(border.view(np.uint8), np.ones((SEAM, SEAM), np.uint8)).view(bool)


def _connected_to_edge(mask: np.ndarray) -> np.ndarray:
    """Keep what is connected to the picture's edge: bool (height, width)."""
    import cv2  # imported here, so that the processes that decode start without it

    around = np.pad(mask.view(np.uint8), 1, constant_values=1)
    cv2.floodFill(around, None, (0, 0), 2)
    return around[1:-1, 1:-1] == 2


def _leaves_frames(border: np.ndarray) -> bool:
    """Tell whether the picture without a region is made of pieces with straight sides."""
    import cv2

    if border.sum() < LEAST_BORDER * min(border.shape):
        return False
    # Opened, because single pixels of a frame that equal the border would roughen the outline.
    around = np.pad(border.view(np.uint8), 2, constant_values=1)
    opened = cv2.morphologyEx(around, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))[2:-2, 2:-2]
    if opened.sum() < LEAST_LEFT * border.sum():
        return False  # scattered pixels of a noisy sky
    frame = 1 - opened
    if frame.sum() < LEAST_FRAME * frame.size:
        return False
    outlines, _ = cv2.findContours(frame, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    lengths = [_straight_length(outline[:, 0], border.shape) for outline in outlines]
    straight, total = np.sum(lengths, axis=0)
    return straight >= STRAIGHT * total


def _straight_length(outline: np.ndarray, shape: tuple[int, int]) -> tuple[float, float]:
    """Return the length of an outline's straight sides, and of all its sides.

    Sides along the picture's edge do not count. Long sides are straight, and so are sides parallel
    or at right angles to a long one, because frames beside each other leave such steps.

    Args:
        outline: the pixels (x, y) along it, int (N, 2), closed.
        shape: height and width of the picture.
    """
    import cv2

    fine = max(1, FINE * max(shape))
    corners = cv2.approxPolyDP(outline, fine, True)[:, 0]
    nexts = np.roll(corners, -1, axis=0)
    sides = nexts - corners
    lengths = np.hypot(*sides.T)
    inside = ~np.any([np.maximum(np.abs(corners - edge), np.abs(nexts - edge)) <= fine
                      for edge in (0, np.array(shape[::-1]) - 1)], axis=(0, 2))
    long = lengths >= max(LEAST_LONG, LONG * cv2.arcLength(outline, True))
    directions = np.degrees(np.arctan2(*sides.T))
    turned = np.abs((directions[:, None] - directions[long] + 45) % 90 - 45)
    straight = inside & (turned < PARALLEL).any(axis=1)
    return lengths[straight].sum(), lengths[inside].sum()
