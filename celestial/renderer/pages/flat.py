"""A sheet on which flat graphics are drawn: shapes without light and shade, with smooth edges."""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from celestial.renderer.light.canvas import Canvas
from celestial.renderer.pages.backdrops import backdrop
from celestial.renderer.pages.lettering import any_face, fitted
from celestial.renderer.pages.web_finish import finish_for_web

FINER = 3  # the sheet is drawn this many times larger, for smooth edges

Colour = tuple[int, int, int]
Point = tuple[float, float]


class Sheet:
    """A picture to be drawn with shapes; coordinates run from -1 to 1, x to the right, y up.

    Args:
        canvas: gives size and randomness.
        paper: kinds of `backdrops` and their weights.
        high: height / width; the shorter side then reaches less far than -1..1.
    """

    def __init__(self, canvas: Canvas, paper: dict[str, float], high: float = 1.0) -> None:
        self.canvas, self.unit = canvas, canvas.size * FINER / 2
        self.face = any_face(canvas)
        ground = Image.fromarray(backdrop(canvas, canvas.pick(paper)))
        width, height = (1.0, high) if high <= 1 else (1 / high, 1.0)
        self.reach = width, height
        size = [max(8, round(canvas.size * part)) for part in self.reach]
        ground = ground.crop((0, 0, *size))
        self.image = ground.resize([side * FINER for side in size], Image.Resampling.NEAREST)
        self.pen = ImageDraw.Draw(self.image)

    def brightness(self) -> float:
        """Return the mean of what is on the sheet, 0..255."""
        return float(np.asarray(self.image.reduce(8).convert("L")).mean())

    def ink(self) -> Colour:
        """Return black or white, whichever can be read on the sheet."""
        return (250, 250, 250) if self.brightness() < 120 else (18, 18, 22)

    def place(self, point: Point) -> Point:
        """Return where a point lies on the image, pixels."""
        return (point[0] + self.reach[0]) * self.unit, (self.reach[1] - point[1]) * self.unit

    def _width(self, width: float) -> int:
        return max(1, round(width * self.unit))

    def disc(self, point: Point, radius: float, fill: Colour | None = None,
             outline: Colour | None = None, width: float = 0.0) -> None:
        """Draw a disc or, without a fill, a circle."""
        self.ellipse(point, radius, radius, fill=fill, outline=outline, width=width)

    def ellipse(self, point: Point, wide: float, high: float, turn: float = 0.0,
                fill: Colour | None = None, outline: Colour | None = None, width: float = 0.0,
                part: tuple[float, float] = (0.0, 2 * math.pi)) -> None:
        """Draw an ellipse of half axes wide and high, turned counter-clockwise, or a part of it.

        Args:
            point: its middle.
            wide, high: half axes.
            turn: radians.
            fill, outline: colours, None for none.
            width: of the outline.
            part: eccentric angles between which the outline is drawn, radians.
        """
        angle = np.linspace(*part, 73)
        x, y = wide * np.cos(angle), high * np.sin(angle)
        corners = np.stack([point[0] + x * math.cos(turn) - y * math.sin(turn),
                            point[1] + x * math.sin(turn) + y * math.cos(turn)], 1)
        if fill is not None:
            self.polygon(corners, fill)
        if outline is not None:
            self.line(corners, outline, width)

    def polygon(self, corners: Sequence[Point] | np.ndarray, fill: Colour) -> None:
        """Fill a polygon."""
        self.pen.polygon([self.place(corner) for corner in corners], fill=tuple(fill))

    def line(self, corners: Sequence[Point] | np.ndarray, colour: Colour, width: float) -> None:
        """Draw a line through points."""
        self.pen.line([self.place(corner) for corner in corners], fill=tuple(colour),
                      width=self._width(width), joint="curve")

    def box(self, left: float, top: float, right: float, bottom: float, fill: Colour | None,
            corner: float = 0.0, outline: Colour | None = None, width: float = 0.01) -> None:
        """Draw a rectangle with round corners; nothing if it is empty."""
        (x0, y0), (x1, y1) = self.place((left, top)), self.place((right, bottom))
        if x1 > x0 + 1 and y1 > y0 + 1:
            self.pen.rounded_rectangle((x0, y0, x1, y1), corner * self.unit, fill, outline,
                                       self._width(width))

    def text(self, point: Point, text: str, width: float, height: float, colour: Colour,
             anchor: str = "mm") -> None:
        """Write one line, no wider and higher than this, mostly in the sheet's one font."""
        face = self.face if self.canvas.chance(0.85) else any_face(self.canvas)
        face = fitted(face, text, width * self.unit, height * self.unit)
        self.pen.text(self.place(point), text, fill=tuple(colour), font=face, anchor=anchor)

    def finished(self) -> np.ndarray:
        """Return the picture as it is found on the web, uint8 (height, width, 3)."""
        return finish_for_web(self.canvas, self.image.reduce(FINER))


def star_corners(point: Point, radius: float, rays: int, inner: float,
                 turn: float = 0.0) -> np.ndarray:
    """Return the corners of a star, (2 rays, 2); inner: radius of the notches, proportion."""
    angle = turn + math.pi / 2 + np.arange(2 * rays) * math.pi / rays
    far = np.where(np.arange(2 * rays) % 2, inner * radius, radius)
    return np.stack([point[0] + far * np.cos(angle), point[1] + far * np.sin(angle)], 1)
