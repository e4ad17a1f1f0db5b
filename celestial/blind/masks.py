"""Where the object is, and the picture without its object, its surroundings or its border."""

import cv2
import numpy as np
from scipy import ndimage

SIDE = 128  # pixels; the object is looked for in a copy of this size
MASK_BLUR = 1.5  # standard deviation, pixels of that copy
FAINTEST = 12  # grey levels that an object stands out by at least
GLOW = 0.25  # of the threshold; fainter parts down to this belong to an object that they touch
PART = 0.1  # of the largest region's area; smaller regions are stars or noise
GROWN = 1.1  # times the smallest circle around the object; this larger one hides it
LEAST_OUTSIDE = 0.2  # proportion of the picture that must remain as surroundings
MOST_LEFT = 0.02  # of the surroundings may be as bright as a glow, else the object is not found
FRAME = 1 / 8  # width of the border, proportion of the shorter side


def find_object(picture: np.ndarray) -> np.ndarray | None:
    """Return where the object is, or None where it cannot be told from its surroundings.

    What differs from the border's median colour is smoothed and cut at Otsu's threshold ("A
    threshold selection method from gray-level histograms", 1979); fainter parts that are
    connected with what lies above it (rings, haloes) belong to it. The smallest circle around
    the largest regions, grown, is the answer, because a closer outline would itself tell the class.

    Args:
        picture: uint8 (height, width, 3).

    Returns:
        bool (height, width), True inside the circle. None where nothing stands out, where too
        little lies outside the circle, or where too much of what stands out does.
    """
    height, width = picture.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    signal = _signal(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
    regions, glow = _bright_regions(signal)
    areas = np.bincount(regions.ravel())[1:]
    if not len(areas):
        return None
    y, x = np.nonzero(np.isin(regions, 1 + np.nonzero(areas >= PART * areas.max())[0]))
    centre, radius = cv2.minEnclosingCircle(np.stack([x, y], axis=1).astype(np.float32))
    outside = ~_circle(signal.shape, centre, GROWN * radius + MASK_BLUR)
    if outside.mean() < LEAST_OUTSIDE or (signal[outside] > glow).mean() > MOST_LEFT:
        return None
    return _circle((height, width), np.array(centre) / scale, (GROWN * radius + MASK_BLUR) / scale)


def _signal(picture: np.ndarray) -> np.ndarray:
    """Return how far each pixel is from the border's colour, smoothed: float32 (height, width)."""
    edge = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    apart = np.abs(picture.astype(np.float32) - np.median(edge, axis=0)).max(axis=2)
    return cv2.GaussianBlur(apart.astype(np.float32), (0, 0), MASK_BLUR)


def _bright_regions(signal: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the number of each pixel's region, 0 outside of all, and how bright a glow must be."""
    cut, bright = cv2.threshold(signal.astype(np.uint8), 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    glow = max(FAINTEST, GLOW * cut)
    if cut < FAINTEST:
        return np.zeros(signal.shape, int), glow
    regions, _ = ndimage.label(signal > glow)
    return np.where(np.isin(regions, np.unique(regions[bright > 0])), regions, 0), glow


def _circle(shape: tuple[int, int], centre: np.ndarray, radius: float) -> np.ndarray:
    y, x = np.mgrid[:shape[0], :shape[1]]
    return np.hypot(x - centre[0], y - centre[1]) <= radius


def without_object(picture: np.ndarray, inside: np.ndarray, seed: int) -> np.ndarray:
    """Return the surroundings alone: the object is replaced by their median colour and noise.

    Args:
        picture: uint8 (height, width, 3).
        inside: what `find_object` found.
        seed: of the noise, which is as strong as that of the surroundings (by their median
            absolute deviation, which stars do not raise).
    """
    outside = picture[~inside].astype(np.float64)
    colour = np.median(outside, axis=0)
    spread = 1.4826 * np.median(np.abs(outside - colour), axis=0)
    noise = np.random.default_rng(seed).standard_normal((int(inside.sum()), 3)) * spread
    changed = picture.copy()
    changed[inside] = np.clip(np.rint(colour + noise), 0, 255)
    return changed


def object_alone(picture: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Return the object in its circle on black, which tells nothing of its surroundings."""
    return picture * inside[:, :, None].astype(np.uint8)


def without_border(picture: np.ndarray) -> np.ndarray:
    """Return the picture with its outer eighth replaced by the mirror image of what is inside."""
    edge = _edge(picture)
    if edge == 0:
        return picture
    return cv2.copyMakeBorder(picture[edge:-edge, edge:-edge], edge, edge, edge, edge,
                              cv2.BORDER_REFLECT_101)


def border_alone(picture: np.ndarray) -> np.ndarray:
    """Return the picture with all but its outer eighth black."""
    edge = _edge(picture)
    changed = picture.copy()
    changed[edge:-edge or None, edge:-edge or None] = 0
    return changed


def _edge(picture: np.ndarray) -> int:
    return round(FRAME * min(picture.shape[:2]))
