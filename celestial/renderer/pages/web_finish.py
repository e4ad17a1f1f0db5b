"""What happens to a picture on its way through the web: sizes, compression, borders, marks."""

import io

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from celestial.renderer.light.canvas import Canvas
from celestial.renderer.pages.lettering import words, write


def finish_for_web(canvas: Canvas, image: Image.Image) -> np.ndarray:
    """Pass a picture through what web sites do to it.

    Args:
        canvas: gives the randomness and the size of the picture's longer side.
        image: RGB.

    Returns:
        uint8 (height, width, 3), of the same size.
    """
    c = canvas
    if c.chance(0.2):
        image = ImageEnhance.Color(image).enhance(c.uniform(0.6, 1.7))
    if c.chance(0.15):
        image = ImageEnhance.Contrast(image).enhance(c.uniform(0.8, 1.35))
    if c.chance(0.12):
        image = _mark(c, image)
    if c.chance(0.1):
        image = _border(c, image)
    if c.chance(0.3):
        image = _thumbnail(c, image)
    if c.chance(0.12):
        image = image.filter(ImageFilter.UnsharpMask(c.scale * c.uniform(0.5, 1.5),
                                                     int(c.uniform(60, 200)), 0))
    if c.chance(0.6):
        image = _compressed(image, int(c.uniform(30, 92)))
        if c.chance(0.25):
            image = _compressed(image, int(c.uniform(40, 92)))
    return np.asarray(image)


def _compressed(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def _thumbnail(canvas: Canvas, image: Image.Image) -> Image.Image:
    """Shrink a picture and blow it up again, smoothly or, rarely, pixel by pixel."""
    how = Image.Resampling[canvas.pick({"BICUBIC": 5, "BILINEAR": 4, "LANCZOS": 2, "NEAREST": 1})]
    factor = canvas.uniform(1.2, 2.2) if how == Image.Resampling.NEAREST or canvas.chance(0.7) \
        else canvas.uniform(2.2, 3.5)
    small = image.resize([max(8, round(side / factor)) for side in image.size],
                         Image.Resampling.BOX)
    if canvas.chance(0.4):
        small = _compressed(small, int(canvas.uniform(50, 92)))
    return small.resize(image.size, how)


def _border(canvas: Canvas, image: Image.Image) -> Image.Image:
    """Lay a plain border over the picture's edge."""
    width = max(1, round(canvas.size * canvas.log_uniform(0.008, 0.06)))
    grey = canvas.rng.choice([0, 255, int(canvas.rng.integers(256))])
    framed = Image.new("RGB", image.size, (int(grey),) * 3)
    inner = image.crop((width, width, image.width - width, image.height - width))
    framed.paste(inner, (width, width))
    return framed


def _mark(canvas: Canvas, image: Image.Image) -> Image.Image:
    """Write a stock library's mark across the picture, or a name small in a corner."""
    layer = Image.new("RGBA", image.size)
    tone = (int(canvas.rng.choice([0, 128, 255])),) * 3 + (int(canvas.uniform(50, 160)),)
    text, (width, height) = words(canvas, 1, 2), image.size
    if canvas.chance(0.5):
        for _ in range(int(canvas.rng.integers(1, 6))):
            place = canvas.uniform(0, width), canvas.uniform(0, height)
            write(canvas, layer, text, (*place, width * 0.5, canvas.size * 0.1), tone)
        layer = layer.rotate(canvas.uniform(-40, 40)) if canvas.chance(0.6) else layer
    else:
        write(canvas, layer, text, (width - 2, height - 2, width * 0.4, canvas.size * 0.07), tone,
              "rd")
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")
