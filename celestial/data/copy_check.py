"""Are two pictures copies of each other? One is laid over the other, and the difference decides.

A copy may be cropped, brighter, of another gamma, encoded again, turned or mirrored. The crop is
found by Gauss-Newton steps (Lucas and Kanade 1981; Baker and Matthews 2004, "Lucas-Kanade 20 years
on"), the tone together with it as a quadratic function. Then the best function of brightness,
whatever its form, is taken away (the correlation ratio of Roche et al. 1998). What is left of the
difference, the residual, is compared with the detail that the pictures have.

docs/near-copies.md shows a copy and a picture that is none, with their residuals, and says how
each threshold was found.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np

SIDE = 64  # pixels of a thumbnail
# Grey levels of detail that encoding destroys. It is added to the detail of a picture, so that two
# pictures of hardly any detail are not told apart by the noise of their files (chosen by hand).
ENCODING_NOISE = 3
CHUNK = 128  # pairs at once: larger ones leave the processor's cache


def thumbnail(picture: np.ndarray) -> np.ndarray:
    """Return what `are_copies` compares of a picture.

    Args:
        picture: uint8 (height, width, 3), RGB.

    Returns:
        uint8 (SIDE, SIDE), grey, the whole picture whatever its shape.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def are_copies(thumbnails: np.ndarray, ones: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return which pairs of pictures show the same, bool (P,).

    Args:
        thumbnails: uint8 (N, SIDE, SIDE).
        ones, others: indices of the pairs, int64 (P,).
    """
    return _in_parts(
        lambda part: _are_copies(thumbnails[ones[part]], thumbnails[others[part]]), len(ones))


def are_plain(thumbnails: np.ndarray) -> np.ndarray:
    """Return which pictures look the same in half of their orientations, bool (N,).

    A disc or a ring without features: a crop makes any two of them the same.

    Args:
        thumbnails: uint8 (N, SIDE, SIDE).
    """
    return _in_parts(lambda part: _are_plain(thumbnails[part]), len(thumbnails))


def _in_parts(task: Callable[[slice], np.ndarray], count: int) -> np.ndarray:
    parts = [slice(start, start + CHUNK) for start in range(0, count, CHUNK)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.concatenate([np.zeros(0, bool), *pool.map(task, parts)])


# Which of the eight orientations are tried: those whose coarse views are most alike.
ORIENTATIONS_TRIED = 3  # at most (chosen by hand)
# Below the best. When it was chosen, the right one of a planted copy was 0.066 below it at most.
CORRELATION_MARGIN = 0.12


def _are_copies(ones: np.ndarray, others: np.ndarray) -> np.ndarray:
    turned = np.stack(orientations(others))
    alike = np.einsum("px,opx->po", _outline(ones), np.stack([_outline(own) for own in turned]))
    found = np.zeros(len(ones), bool)
    places, best = np.arange(len(ones)), alike.max(axis=1)
    for ways in np.argsort(-alike, axis=1)[:, :ORIENTATIONS_TRIED].T:
        rest = np.flatnonzero(~found & (alike[places, ways] >= best - CORRELATION_MARGIN))
        if not len(rest):
            break
        found[rest] = _overlay(ones[rest], turned[ways[rest], rest], _is_crop)
    return found


def _are_plain(pictures: np.ndarray) -> np.ndarray:
    # Any move is allowed here, because turning moves a disc that is not in the centre.
    def anywhere(moves: np.ndarray) -> np.ndarray:
        return np.ones(len(moves), bool)

    return sum(_overlay(pictures, turned, anywhere).astype(int)
               for turned in orientations(pictures)) >= 4


def orientations(pictures: np.ndarray) -> list[np.ndarray]:
    """Return pictures (N, side, side) turned by 0 to 3 quarters, and the same mirrored."""
    turned = [np.rot90(pictures, turns, axes=(1, 2)) for turns in range(4)]
    return turned + [picture[:, :, ::-1] for picture in turned]


def _outline(pictures: np.ndarray) -> np.ndarray:
    """Return a coarse view of each picture as a vector of length 1, float32 (P, pixels)."""
    size = SIDE // 4
    small = pictures.reshape(-1, size, 4, size, 4).mean(axis=(2, 4), dtype=np.float32)
    small = np.stack([cv2.GaussianBlur(one, (0, 0), 0.7) for one in small]).reshape(len(small), -1)
    small -= small.mean(axis=1, keepdims=True)
    return small / np.maximum(np.linalg.norm(small, axis=1, keepdims=True), 1e-6)


# Which moves a crop explains.
MAX_CROP = 0.07  # of a side; the most that an edge of one picture lies inside the other
CROP_ERROR = 0.02  # of a side; the most that a crop is found too large or too small


def _is_crop(moves: np.ndarray) -> np.ndarray:
    """Return where one picture lies within the other and is not much smaller, bool (P,)."""
    shift, growth = moves[:, ::2], moves[:, 1::2]
    inward = np.concatenate([shift - growth, -shift - growth], axis=1)  # of each edge, in sides
    within = [(side.min(axis=1) >= -CROP_ERROR) & (side.max(axis=1) <= MAX_CROP)
              for side in (inward, -inward)]
    return within[0] | within[1]


def _ruler(size: int) -> np.ndarray:
    return ((2 * np.arange(size) + 1) / size - 1).astype(np.float32)


def warp(pictures: np.ndarray, moves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the pictures moved, and where they have content, float32 and bool (P, size, size).

    Args:
        moves: (P, 4), shift and growth across and down, in sides.
    """
    size = pictures.shape[1]
    weights, inside = [], []
    for shift, growth in ((moves[:, 0:1], moves[:, 1:2]), (moves[:, 2:3], moves[:, 3:4])):
        places = (np.arange(size) + size * (shift + growth * _ruler(size))).astype(np.float32)
        inside.append((places >= 0) & (places <= size - 1))
        places = np.clip(places, 0, size - 1)[:, :, None]
        weights.append(np.maximum(1 - np.abs(places - np.arange(size, dtype=np.float32)), 0))
    across, down = weights
    return down @ pictures @ across.transpose(0, 2, 1), inside[1][:, :, None] & inside[0][:, None]


# Is it the same picture? Each is a part of the detail. Of planted copies 99.9, 99.6 and 99.9 % are
# within, of other pairs of a class 4.9, 0.6 and 0.3 % (benchmarks/near_copies_thresholds.py).
COARSE_RESIDUAL_THRESHOLD = 0.3  # of the small blurred pictures that are laid over
MEAN_RESIDUAL_THRESHOLD = 0.36  # on average
WORST_RESIDUAL_THRESHOLD = 1.3  # at the worst place


def _overlay(ones: np.ndarray, others: np.ndarray,
             allowed: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return which pictures are the same once they are laid over each other by allowed moves."""
    moves, coarse = register(ones, others)
    same = (coarse <= COARSE_RESIDUAL_THRESHOLD) & allowed(moves)
    for row in np.flatnonzero(same):
        found = residual(ones[row], others[row], moves[row])
        same[row] = (found.mean <= MEAN_RESIDUAL_THRESHOLD
                     and found.worst <= WORST_RESIDUAL_THRESHOLD)
    return same


# How pictures are laid over each other, all chosen by hand.
HALF_SIDE = SIDE // 2  # pixels; the pictures that are laid over are blurred and of half the size
BLURS = (3.0, 1.8)  # pixels of a thumbnail, one after the other: far moves first, then fine ones
STEPS_PER_BLUR = 4
# The usual move of an edge, and what it is weighed against. This prior holds discs without features
# in place, which could be moved anywhere.
USUAL_MOVE = 0.03  # of a side
GREY_NOISE = 3  # grey levels


def register(ones: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lay pictures over others.

    Args:
        ones, others: uint8 (P, SIDE, SIDE), the others in their orientation.

    Returns:
        Moves of the others, in sides, see `warp`, float32 (P, 4); and the coarse residual, as a
        part of the detail, (P,).
    """
    moves = np.zeros((len(ones), 4), np.float32)
    for sigma in BLURS:
        targets, sources = _blurred(ones, sigma), _blurred(others, sigma)
        for _ in range(STEPS_PER_BLUR):
            step, rest = _step(targets, *warp(sources, moves), moves)
            moves += np.clip(step, -0.05, 0.05)
    detail = np.stack([one - cv2.GaussianBlur(one, (0, 0), 3) for one in targets])
    return moves, rest.std(axis=1) / (detail.std(axis=(1, 2)) + ENCODING_NOISE)


def _blurred(pictures: np.ndarray, sigma: float) -> np.ndarray:
    """Return blurred pictures of half the size, float32 (P, HALF_SIDE, HALF_SIDE)."""
    size = HALF_SIDE, HALF_SIDE
    return np.stack([cv2.resize(cv2.GaussianBlur(one.astype(np.float32), (0, 0), sigma), size,
                                interpolation=cv2.INTER_AREA) for one in pictures])


def _step(targets: np.ndarray, moved: np.ndarray, inside: np.ndarray,
          moves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a Gauss-Newton step of the moves, (P, 4), and what the best tone leaves before it."""
    count = len(targets)
    peak = np.maximum(moved.max(axis=(1, 2)), 1)[:, None]
    shown = inside.reshape(count, -1).astype(np.float32)
    light = moved.reshape(count, -1) / peak
    tones = np.stack([shown, light * shown, light * light * shown], axis=1)
    wanted = targets.reshape(count, -1) * shown
    products = tones @ tones.transpose(0, 2, 1) + 1e-4 * np.eye(3, dtype=np.float32)
    tone = np.linalg.solve(products, tones @ wanted[:, :, None])
    rest = wanted - (tone.transpose(0, 2, 1) @ tones)[:, 0]
    steepness = (tone[:, 1] + 2 * tone[:, 2] * light) * shown * HALF_SIDE / peak
    ruler = _ruler(HALF_SIDE)
    slopes = np.empty((count, 4, HALF_SIDE * HALF_SIDE), np.float32)
    for place, (axis, along) in enumerate(((2, np.tile(ruler, HALF_SIDE)),
                                         (1, np.repeat(ruler, HALF_SIDE)))):
        slopes[:, 2 * place] = np.gradient(moved, axis=axis).reshape(count, -1) * steepness
        slopes[:, 2 * place + 1] = slopes[:, 2 * place] * along
    # What the tone explains is taken out of the slopes, so that both are fitted together.
    explained = np.linalg.solve(products, tones @ slopes.transpose(0, 2, 1))
    slopes -= explained.transpose(0, 2, 1) @ tones
    stiffness = np.float32((GREY_NOISE / USUAL_MOVE) ** 2)
    normal = slopes @ slopes.transpose(0, 2, 1) + stiffness * np.eye(4, dtype=np.float32)
    pull = (slopes @ rest[:, :, None])[:, :, 0] - stiffness * moves
    return np.linalg.solve(normal, pull[:, :, None])[:, :, 0], rest


@dataclass(frozen=True)
class Residual:
    """What is left of the difference of two pictures laid over each other.

    Attributes:
        picture: float32 (SIDE, SIDE), grey levels; 0 where one of them has nothing.
        mean: its deviation, as a part of the detail.
        worst: the largest difference of a place, as a part of the detail.
    """

    picture: np.ndarray
    mean: float
    worst: float


def residual(one: np.ndarray, other: np.ndarray, moves: np.ndarray) -> Residual:
    """Return what is left of the difference of two pictures.

    Args:
        one, other: uint8 (SIDE, SIDE), the other in its orientation.
        moves: of the other, from `register`, float32 (4,).
    """
    one, other = (cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 0.7)
                  for picture in (one, other))
    moved, inside = (found[0] for found in warp(other[None], moves[None]))
    inside[[0, 1, -2, -1]] = inside[:, [0, 1, -2, -1]] = False
    rests, details, means, worst = [], [], [], []
    for source, target in ((one, moved), (moved, one)):
        rest = np.zeros_like(target)
        rest[inside] = target[inside] - _toned(source[inside], target[inside])
        detail = (target - cv2.GaussianBlur(target, (0, 0), 3))[inside].std() + ENCODING_NOISE
        rests.append(rest)
        details.append(detail)
        means.append(rest.std() / inside.mean() ** 0.5)
        worst.append(np.abs(cv2.GaussianBlur(rest, (0, 0), 1.5)).max() / detail)
    # The smaller counts, because clipped lights can be told from the full ones and not the other
    # way round.
    return Residual(rests[int(np.argmin(means))], min(means) / min(details), max(worst))


BINS = 32  # of brightness, 0 to 255 (chosen by hand)


def _toned(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the function of the source's brightness that is most like the target, (N,)."""
    bins = (np.clip(source, 0, 255) * (BINS / 256)).astype(np.uint8)
    counts = np.bincount(bins, minlength=BINS)
    used = counts > 0
    means = [np.bincount(bins, values, BINS)[used] / counts[used] for values in (source, target)]
    return np.interp(source, *means)
