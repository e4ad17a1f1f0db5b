"""The empty border of a frame: what a stack, a mosaic or a turned frame leaves around itself."""

import numpy as np

MOST_CONSTANTS = 3  # values that are looked at, the most frequent along the picture's edge
LEAST_OF_EDGE = 0.01  # of the edge, that a value must take to be looked at
LEAST_BORDER = 0.5  # of a row of pixels along the shorter side
LEAST_LEFT = 0.5  # of a border once single pixels are taken away; of those of a noisy sky 0.25
LEAST_FRAME = 0.1  # of the picture, that a frame must cover
STRAIGHT = 0.7  # of a frame's outline inside the picture; half a Moon has 0.4
LONG = 0.1  # of a region's whole outline; a disc has no straight piece of that length
LEAST_LONG = 24  # pixels; a disc of 12 pixels is an octagon as far as one can tell
PARALLEL = 3  # degrees
FINE = 1 / 700  # of the longer side: how far an outline may lie from a line that it follows
SEAM = 5  # pixels: the width of the square by which a border grows over what was interpolated


def border_of(channel: np.ndarray) -> np.ndarray | None:
    """Find where a frame was empty before it was put into this picture.

    That is a constant value, whatever it is, connected to the picture's edge, which leaves one or
    several frames: what is left is bounded by straight lines. The sky around a planet may be
    constant as well, but what it leaves is round.

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
    """Return a border and the pixels beside it, which are a mixture of it and the frame."""
    import cv2

    return cv2.dilate(border.view(np.uint8), np.ones((SEAM, SEAM), np.uint8)).view(bool)


def _connected_to_edge(mask: np.ndarray) -> np.ndarray:
    """Keep what is connected to the picture's edge: bool (height, width)."""
    import cv2  # the processes that decode start without it

    around = np.pad(mask.view(np.uint8), 1, constant_values=1)
    cv2.floodFill(around, None, (0, 0), 2)
    return around[1:-1, 1:-1] == 2


def _leaves_frames(border: np.ndarray) -> bool:
    """Tell whether the picture without a region is made of pieces with straight sides."""
    import cv2

    if border.sum() < LEAST_BORDER * min(border.shape):
        return False
    # Single pixels of a frame are by chance as dark as its border and would roughen the outline.
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
    """Return the length of an outline's straight sides, and of all; not along the picture's edge.

    Straight are long sides and those parallel or at right angles to one, as the steps are that
    frames leave beside each other.

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
