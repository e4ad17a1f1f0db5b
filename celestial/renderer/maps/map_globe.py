"""Wraps a map around a globe: each pixel takes the mean of the part of the map that it sees."""

import math
from functools import lru_cache

import cv2
import numpy as np
import torch

from celestial.renderer.light.canvas import Canvas
from celestial.renderer.light.globe import Globe, apply
from celestial.renderer.maps.map_files import MapFile, read_map

MAGNIFIED = 2.0  # pixels to a texel in the disc's middle, at most
STEEPEST = 0.12  # mu at which a pixel's foreshortened footprint stops growing
KEPT_ROWS = 512  # rows of a map whose sums are kept in memory (13 MB), at most


def largest_radius(canvas: Canvas, chart: MapFile) -> float:
    """Return the radius of a globe, image-plane units, that magnifies its map not too much."""
    return MAGNIFIED * canvas.pixel * chart.rows / math.pi


def fine_enough(canvas: Canvas, globe: Globe, layer: MapFile | None) -> bool:
    """Say whether there is a layer of rings or clouds that a globe magnifies not too much."""
    return layer is not None and globe.pose.radius <= largest_radius(canvas, layer)


def rows_needed(size: int, radius: float) -> float:
    """Return how many rows a map must have for a globe of this radius (image-plane units)."""
    return radius * math.pi / (MAGNIFIED * 2 / size)


def wrap(canvas: Canvas, globe: Globe, chart: MapFile) -> torch.Tensor:
    """Return what a map shows at each pixel of a globe, linear light, (3, *globe.mu.shape).

    The map is equirectangular: north up, east right, longitude 0 in the middle. A pixel's footprint
    on the ground becomes a box of latitudes and longitudes, wider towards the limb and the poles;
    the mean over it comes from sums over the map (Crow 1984, SIGGRAPH, 207), which run on over
    the map's left and right edge.

    Args:
        canvas: the picture.
        globe: the body, as a camera far away sees it.
        chart: its map.
    """
    wanted = math.pi * globe.pose.radius / canvas.pixel  # a texel is a pixel in the middle
    rows = chart.texels
    while rows >= 2 * wanted and rows % 2 == 0 and rows > 16:
        rows //= 2
    height, width = _footprint(canvas, globe)
    latitude = globe.latitude.cpu().double().flatten()
    longitude = globe.longitude.cpu().double().flatten()
    texel = rows / math.pi  # texels to a radian, both ways
    middle = (math.pi / 2 - latitude) * texel
    half = (height.cpu().double().flatten() * texel / 2).clamp(min=0.5)
    top, bottom = (middle - half).clamp(0, rows), (middle + half).clamp(0, rows)
    across = (width.cpu().double().flatten() * texel / 2).clamp(0.5, rows)
    east = longitude * texel + rows
    left, right = east - across, east + across
    if rows > KEPT_ROWS:
        first = int(top.min())
        table = _sums(chart, rows, first, math.ceil(float(bottom.max())))
        top, bottom = top - first, bottom - first
    else:
        table = _kept_sums(chart, rows)
    total = (_up_to(table, bottom, right) - _up_to(table, top, right)
             - _up_to(table, bottom, left) + _up_to(table, top, left))
    mean = total / ((bottom - top) * (right - left))[:, None]
    return mean.T.float().to(canvas.device).reshape(3, *globe.mu.shape).clamp(min=0)


@lru_cache(maxsize=12)
def _kept_sums(chart: MapFile, rows: int) -> torch.Tensor:
    """Return `_sums` of a whole map."""
    return _sums(chart, rows, 0, rows)


def _sums(chart: MapFile, rows: int, first: int, end: int) -> torch.Tensor:
    """Return the sums of a map's linear light above and left of each corner of its texels.

    Args:
        chart: the map.
        rows: to which the map is reduced, by means over areas.
        first, end: the reduced rows that are wanted, without end itself.

    Returns:
        float64 (end - first + 1, 2 * rows + 1, 3), on the CPU: not every device has double
        precision.
    """
    coded = np.arange(256) / 255  # IEC 61966-2-1 (sRGB)
    light = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    picture = read_map(chart.path, chart.digest)
    if picture.shape[:2] == (rows, 2 * rows):
        part = light[picture[first:end]]
    else:
        picture = light.astype(np.float32)[picture]
        part = cv2.resize(picture, (2 * rows, rows), interpolation=cv2.INTER_AREA)[first:end]
    table = torch.zeros(end - first + 1, 2 * rows + 1, 3, dtype=torch.float64)
    table[1:, 1:] = torch.from_numpy(part).double().cumsum(0).cumsum(1)
    return table


def _up_to(table: torch.Tensor, y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Return the sums up to places between corners, (N, 3); x may lie beyond either edge."""
    rows, columns = table.shape[0] - 1, table.shape[1] - 1
    flat = table.reshape(-1, 3)
    turns = (x / columns).floor()
    x = x - turns * columns
    row, column = y.long().clamp(max=rows - 1), x.long().clamp(max=columns - 1)
    down, right = (y - row)[:, None], (x - column)[:, None]
    start = row * (columns + 1)

    def along(start: torch.Tensor) -> torch.Tensor:
        first, second = (flat.index_select(0, start + column + k) for k in (0, 1))
        whole = flat.index_select(0, start + columns)
        return first + (second - first) * right + whole * turns[:, None]

    upper = along(start)
    return upper + (along(start + columns + 1) - upper) * down


def _footprint(canvas: Canvas, globe: Globe) -> tuple[torch.Tensor, torch.Tensor]:
    """Return how many radians of latitude and of longitude each pixel covers, like globe.mu."""
    latitude, longitude = globe.latitude, globe.longitude
    zero = torch.zeros_like(latitude)
    turned = canvas.tensor(globe.pose.axes).T
    east = apply(turned, torch.stack([-longitude.sin(), longitude.cos(), zero]))
    north = apply(turned, torch.stack([-latitude.sin() * longitude.cos(),
                                       -latitude.sin() * longitude.sin(), latitude.cos()]))
    # A step on the picture goes along the ground by (1, 0, -nx / nz) or (0, 1, -ny / nz).
    slant = globe.normal[:2] / globe.normal[2].clamp(min=STEEPEST)
    wide, high = ((way[:2] - way[2] * slant).square().sum(0).sqrt() * canvas.pixel
                  / globe.pose.radius for way in (east, north))
    return high, wide / latitude.cos().clamp(min=1e-4)
