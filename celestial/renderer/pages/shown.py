"""Pictures as web sites show them: a body cut out and put before something, a page around it.

Works on any drawing: a globe is cut out (`Cutout`); what has no globe, or fills the frame, is set
on a page as it is.
"""

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter

from celestial.renderer.light.canvas import Canvas
from celestial.renderer.light.cutout import Cutout
from celestial.renderer.pages import backdrops
from celestial.renderer.pages.backdrops import any_colour, backdrop
from celestial.renderer.pages.lettering import words, write
from celestial.renderer.pages.web_finish import finish_for_web

PROPORTION = 0.25  # of the pictures of a class that are shown as web sites do
PROPORTION_OF_SCENES = 0.1  # of classes without a globe, which only get a page around them
SCENES = ("galaxy", "nebula", "star_cluster", "everyday")
LEAST, MOST = 0.015, 0.97  # proportion of the frame covered by a body that is cut out
DARKEST = 20  # of 255, mean of a disc that is cut out; a darker one is all but night
LARGEST = 1.8  # factor by which a body cut out is magnified, at most

# Weights: how a body is shown that lies whole in the frame.
PLACES = {"whole": 58, "limb": 16, "edge": 14, "page": 12}
SHAPES = {1.0: 5, 0.75: 2, 0.5625: 2, 1.4: 2}  # height / width: weight


def is_shown(class_name: str, rng: np.random.Generator) -> bool:
    """Decide whether a picture of a class is shown as web sites do it."""
    return bool(rng.random() < (PROPORTION_OF_SCENES if class_name in SCENES else PROPORTION))


def ask_for_cutout(rng: np.random.Generator) -> Cutout:
    """Return what a drawing's canvas needs for its picture to be shown."""
    return Cutout(rng, clean=bool(rng.random() < 0.6))


def show(canvas: Canvas, pixels: np.ndarray) -> np.ndarray:
    """Show a picture that was drawn on a canvas with a cutout.

    Args:
        canvas: on which the picture was drawn.
        pixels: sRGB uint8 (height, width, 3), square where the canvas's cutout has an alpha.

    Returns:
        uint8 (height, width, 3); the longer side is the canvas's size.
    """
    c = Canvas(canvas.size, canvas.cutout.rng, canvas.device)
    image = Image.fromarray(pixels)
    if not _worth_cutting(canvas.cutout, pixels):
        return finish_for_web(c, _page(c, image))
    opaque = Image.fromarray((canvas.cutout.alpha * 255).round().byte().cpu().numpy())
    body = Image.merge("RGBA", (*image.split(), opaque))
    disc = _box_of(opaque)
    whole = disc[0] > 0 and disc[1] > 0 and disc[2] < c.size and disc[3] < c.size
    large = max(disc[2] - disc[0], disc[3] - disc[1]) > 0.15 * c.size
    if whole and large and c.chance(0.15):
        body = _rendered(c, body, canvas.cutout.coverage)
    place = c.pick(PLACES) if whole and large else "as it is"
    if place in ("edge", "limb") and max(disc[2] - disc[0], disc[3] - disc[1]) < 0.35 * c.size:
        place = "whole"  # magnified so much, it would be a blur
    if place == "page":
        return finish_for_web(c, _page(c, _before(Image.new("RGB", body.size), body)))
    shown = {"whole": _put_whole, "limb": _crop_at_limb, "edge": _put_at_edge,
             "as it is": _keep_place}[place](c, body, disc)
    return finish_for_web(c, shown)


def _worth_cutting(cutout: Cutout, pixels: np.ndarray) -> bool:
    """Say whether a picture has a limb, and enough of a disc that is not night alone."""
    if cutout.alpha is None or not LEAST < float(cutout.coverage.mean()) < MOST:
        return False
    disc = cutout.coverage.cpu().numpy()
    return float((pixels.max(axis=2) * disc).sum() / disc.sum()) > DARKEST


def _box_of(opaque: Image.Image) -> tuple[int, int, int, int]:
    """Return the box (left, top, right, bottom) of what is more than a third opaque."""
    return opaque.point(lambda value: 255 * (value > 85)).getbbox() or (0, 0, 1, 1)


def _shape(canvas: Canvas) -> tuple[int, int]:
    """Choose (width, height) of a picture."""
    weights = {str(shape): weight for shape, weight in SHAPES.items()}
    shape, side = float(canvas.pick(weights)), canvas.size
    return (side, round(side * shape)) if shape <= 1 else (round(side / shape), side)


def _paper(canvas: Canvas, size: tuple[int, int]) -> Image.Image:
    """Return a background of any kind, (width, height)."""
    paper = Image.fromarray(backdrop(canvas, canvas.pick(backdrops.KINDS)))
    return paper.crop((0, 0, *size))


def _before(paper: Image.Image, body: Image.Image) -> Image.Image:
    """Return a paper with a body (RGBA, of its size) before it, RGB."""
    return Image.alpha_composite(paper.convert("RGBA"), body).convert("RGB")


def _placed(size: tuple[int, int], body: Image.Image, box: tuple[int, int, int, int],
            factor: float, middle: tuple[float, float]) -> Image.Image:
    """Return the part of a body within a box, this many times larger, about a middle.

    Args:
        size: (width, height) of what is returned, RGBA, transparent elsewhere.
        body: RGBA.
        box: left, top, right, bottom of the disc in it.
        factor: how many times larger.
        middle: where the box's middle is to lie.
    """
    left, top, right, bottom = box
    margin = max(2, (right - left) // 12)  # soft edges and glow lie beside the box
    part = body.crop((left - margin, top - margin, right + margin, bottom + margin))
    part = part.resize([max(2, round(side * factor)) for side in part.size],
                       Image.Resampling.BICUBIC)
    layer = Image.new("RGBA", size)
    layer.paste(part, (round(middle[0] - part.width / 2), round(middle[1] - part.height / 2)))
    return layer


def _put_whole(canvas: Canvas, body: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    """Put the whole body on a background, with or without glow, shadow and words."""
    c = canvas
    width, height = _shape(c)
    paper, span = _paper(c, (width, height)), max(box[2] - box[0], box[3] - box[1])
    words_ = c.chance(0.3)
    largest = min(width / (box[2] - box[0]), height / (box[3] - box[1]))
    factor = min(LARGEST, largest * (c.uniform(0.4, 0.8) if words_ else c.uniform(0.45, 1)))
    room_x, room_y = (width - span * factor) / 2, (height - span * factor) / 2
    middle = [width / 2 + c.rng.normal(0, 0.3) * max(0, room_x),
              height / 2 + c.rng.normal(0, 0.3) * max(0, room_y)]
    low = c.chance(0.6)
    if words_:
        middle[1] = height / 2 + (-1 if low else 1) * max(0, room_y) * 0.6
    layer = _placed(paper.size, body, box, factor, middle)
    if c.chance(0.22):
        paper = _glow(c, paper, layer)
    elif c.chance(0.12):
        paper = _shadow(c, paper, layer)
    shown = _before(paper, layer)
    return _caption(c, shown, low) if words_ else shown


def _glow(canvas: Canvas, paper: Image.Image, layer: Image.Image) -> Image.Image:
    """Let a soft light shine around a body."""
    c = canvas
    around = layer.getchannel("A").filter(ImageFilter.GaussianBlur(c.scale * c.log_uniform(2, 12)))
    around = around.point([min(255, int(value * 1.6)) for value in range(256)])
    tone = any_colour(c, 0.6) if c.chance(0.5) else (255, 255, 255)
    light = Image.new("RGB", paper.size, tone)
    return Image.composite(light, paper, around.point(
        [int(value * 0.9) for value in range(256)]))


def _shadow(canvas: Canvas, paper: Image.Image, layer: Image.Image) -> Image.Image:
    """Let a body throw a soft shadow on its paper."""
    c = canvas
    away = round(c.scale * c.uniform(2, 6))
    dark = Image.new("L", paper.size)
    dark.paste(layer.getchannel("A"), (away, away))
    dark = dark.filter(ImageFilter.GaussianBlur(c.scale * c.uniform(1.5, 5)))
    return Image.composite(Image.new("RGB", paper.size), paper,
                           dark.point([value // 2 for value in range(256)]))


def _caption(canvas: Canvas, image: Image.Image, low: bool) -> Image.Image:
    """Write a title below or above, and at times a smaller line beside it."""
    c = canvas
    width, height = image.size
    y = height * (c.uniform(0.8, 0.88) if low else c.uniform(0.14, 0.2))
    strip = np.asarray(image.convert("L"))[int(max(0, y - 6)):int(y + 6)]
    tone = (255, 255, 255) if strip.mean() < 130 else (20, 20, 24)
    tone = any_colour(c, 0.5) if c.chance(0.2) else tone
    write(c, image, words(c, 1, 3), (width / 2, y, width * 0.9, c.size * c.uniform(0.06, 0.15)),
          tone)
    if c.chance(0.5):
        write(c, image, words(c, 3, 7), (width / 2, y + (0.1 if low else -0.1) * height,
                                         width * 0.9, c.size * 0.05), tone)
    return image


def _crop_at_limb(canvas: Canvas, body: Image.Image,
                  box: tuple[int, int, int, int]) -> Image.Image:
    """Cut a square closely around the body, at times into it."""
    c = canvas
    side = c.size
    wide, high = box[2] - box[0], box[3] - box[1]
    span = max(wide, high) if c.chance(0.7) else max(min(wide, high), max(wide, high) * 0.6)
    factor = min(2.2, side * c.uniform(0.92, 1.08) / span)
    paper = backdrop(c, c.pick({"black": 5, "white": 3, "checker": 2, "flat": 1, "stars": 1}))
    return _before(Image.fromarray(paper),
                   _placed((side, side), body, box, factor, (side / 2, side / 2)))


def _put_at_edge(canvas: Canvas, body: Image.Image,
                 box: tuple[int, int, int, int]) -> Image.Image:
    """Let half the body, or a quarter, look into the picture from its edge, as headers do."""
    c = canvas
    width, height = _shape(c)
    span = max(box[2] - box[0], box[3] - box[1])
    factor = min(LARGEST, c.size * c.uniform(0.7, 1.5) / span)
    out = span * factor * c.uniform(-0.05, 0.3)  # of the middle beyond the edge
    x, y = {"left": (-out, c.uniform(0.3, 0.7) * height),
            "right": (width + out, c.uniform(0.3, 0.7) * height),
            "top": (c.uniform(0.3, 0.7) * width, -out),
            "bottom": (c.uniform(0.3, 0.7) * width, height + out),
            "corner": (0.0 if c.chance(0.5) else width, 0.0 if c.chance(0.5) else height)}[
        c.pick({"left": 1, "right": 1, "top": 0.5, "bottom": 1, "corner": 0.7})]
    # Not so far out that only the tip of the disc is left.
    x, y = np.clip(x, -0.12 * span * factor, width + 0.12 * span * factor), np.clip(
        y, -0.12 * span * factor, height + 0.12 * span * factor)
    shown = _before(_paper(c, (width, height)),
                    _placed((width, height), body, box, factor, (x, y)))
    if c.chance(0.3):
        write(c, shown, words(c, 1, 3), (width * (0.65 if x < width / 2 else 0.35), height / 2,
                                         width * 0.5, c.size * 0.1), (255, 255, 255))
    return shown


def _keep_place(canvas: Canvas, body: Image.Image,
                box: tuple[int, int, int, int]) -> Image.Image:
    """Put another background behind a body that the frame cuts, or that is small."""
    return _before(_paper(canvas, body.size), body)


def _rendered(canvas: Canvas, body: Image.Image, coverage: torch.Tensor) -> Image.Image:
    """Shade a body as a ball of a three-dimensional program: a strong terminator across it."""
    c = canvas
    disc = coverage.cpu().numpy()
    left, top, right, bottom = _box_of(Image.fromarray((disc * 255).astype(np.uint8)))
    column, row = np.meshgrid(np.arange(body.width) + 0.5, np.arange(body.height) + 0.5)
    x = (column - (left + right) / 2) / max(1, (right - left) / 2)
    y = (row - (top + bottom) / 2) / max(1, (bottom - top) / 2)
    z = np.sqrt(np.clip(1 - x * x - y * y, 0, 1))
    angle, high = c.uniform(0, 6.3), c.uniform(0.2, 0.9)
    lit = (x * np.cos(angle) + y * np.sin(angle)) * np.sqrt(1 - high * high) + z * high
    shade = np.clip(lit, 0, 1) ** 0.45 * (1 - c.uniform(0, 0.2)) + c.uniform(0, 0.12)
    shade = 1 + disc * (shade * c.uniform(1, 1.3) - 1)
    colours = np.asarray(body)[..., :3] * shade[..., None]
    dark = Image.fromarray(colours.clip(0, 255).astype(np.uint8))
    return Image.merge("RGBA", (*dark.split(), body.getchannel("A")))


def _page(canvas: Canvas, image: Image.Image) -> Image.Image:
    """Set a picture on a page: a print with a margin, a card, a title across it, a round crop."""
    c = canvas
    kind = c.pick({"print": 4, "title": 3, "bars": 2, "round": 1.2, "plain": 2})
    if kind == "plain":
        return image
    if kind == "title":
        return _caption(c, image.copy(), c.chance(0.6))
    tone = (255, 255, 255) if c.chance(0.6) else any_colour(c, 0.0)
    page = Image.new("RGB", image.size, tone)
    width, height = image.size
    if kind == "bars":
        bar = round(height * c.uniform(0.06, 0.2))
        page = Image.new("RGB", image.size, (0, 0, 0) if c.chance(0.7) else tone)
        page.paste(image.crop((0, bar, width, height - bar)), (0, bar))
        return page
    factor = c.uniform(0.6, 0.94)
    small = image.resize((round(width * factor), round(height * factor)), Image.Resampling.LANCZOS)
    mask = Image.new("L", small.size, 255)
    if kind == "round" or c.chance(0.3):
        mask = Image.new("L", [side * 2 for side in small.size])
        corner = min(mask.size) * (0.5 if kind == "round" else c.uniform(0.03, 0.15))
        left, top = [(side - min(mask.size)) / 2 if kind == "round" else 0 for side in mask.size]
        ImageDraw.Draw(mask).rounded_rectangle(
            (left, top, mask.width - left - 1, mask.height - top - 1), corner, fill=255)
        mask = mask.resize(small.size, Image.Resampling.BOX)
    below = c.chance(0.5)
    y = (height - small.height) // (4 if below else 2)
    page.paste(small, ((width - small.width) // 2, y), mask)
    return _caption(c, page, True) if below and kind == "print" else page
