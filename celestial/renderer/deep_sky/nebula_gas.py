"""Gas of nebulae: its turbulence, its spectral lines, the palettes they are shown in."""

import math

import torch
from torch.nn.functional import grid_sample

from celestial.renderer.light.canvas import Canvas, rotated
from celestial.renderer.light.noise import gaussian_field

# sRGB, by eye, in which pictures show [S II] 672 nm, H alpha 656 nm, [O III] 501 nm and scattered
# starlight.
# "hubble": the S-H-O assignment to red, green, blue of Hester et al. 1996, AJ 111, 2349 (Eagle),
# as usually toned; "bicolour": H alpha red, [O III] teal; "infrared": dust and PAH bands.
PALETTES = {
    "natural": ((170, 25, 25), (225, 62, 80), (85, 185, 190), (185, 200, 255)),
    "pink": ((190, 50, 80), (232, 105, 150), (130, 170, 215), (215, 205, 255)),
    "deep red": ((190, 15, 12), (215, 25, 30), (190, 110, 130), (250, 190, 190)),
    "earthy": ((175, 85, 60), (200, 115, 95), (110, 160, 175), (205, 210, 225)),
    "hubble": ((215, 95, 30), (195, 150, 55), (25, 125, 185), (165, 205, 220)),
    "hubble green": ((200, 70, 40), (110, 150, 60), (50, 95, 200), (170, 190, 230)),
    "bicolour": ((205, 40, 15), (225, 50, 35), (25, 170, 190), (190, 215, 220)),
    "infrared": ((185, 80, 35), (225, 140, 80), (60, 100, 150), (130, 165, 220)),
    "dust bands": ((210, 45, 30), (110, 165, 50), (50, 150, 150), (240, 190, 110)),
    "blue": ((60, 90, 170), (75, 120, 205), (90, 150, 220), (200, 220, 255)),
    "teal": ((200, 60, 50), (120, 190, 200), (40, 185, 205), (200, 240, 255)),
    "violet": ((215, 110, 40), (200, 120, 90), (130, 110, 220), (235, 215, 240)),
    "gold": ((200, 80, 20), (235, 150, 40), (225, 200, 110), (255, 235, 190)),
    "green": ((200, 60, 40), (190, 190, 60), (60, 190, 110), (215, 240, 190)),
    "grey": ((185, 185, 185), (200, 200, 200), (190, 190, 190), (215, 215, 215)),
}


def palette(canvas: Canvas, weights: dict[str, float]) -> torch.Tensor:
    """Choose colours of S II, H alpha, O III and scattered starlight, linear (4, 3)."""
    rows = PALETTES[canvas.pick(weights)]
    colours = torch.stack([canvas.colour(*row)[:, 0, 0] for row in rows])
    return colours * canvas.tensor(canvas.rng.normal(0, 0.15, (4, 3))).exp()


def develop(canvas: Canvas, lines: torch.Tensor, colours: torch.Tensor) -> torch.Tensor:
    """Show the light of lines in a palette.

    Args:
        canvas: gives the exposure.
        lines: (4, size, size), any unit.
        colours: (4, 3), see `palette`.

    Returns:
        linear (3, size, size), near 1 where brightest; `deep_photograph` stretches it.
    """
    light = torch.einsum("lhw,lc->chw", lines, colours)
    step = max(1, canvas.size // 256)
    grey = light.mean(0)[::step, ::step].flatten()
    bright = float(torch.quantile(grey[grey >= 0.03 * grey.max()], 0.98))
    return light * (canvas.log_uniform(0.2, 1.0) / max(bright, 1e-6))


def gas(canvas: Canvas, contrast: float, slope: float = 3.1, coarsest: float = 1.0) -> torch.Tensor:
    """Return turbulent density, (size, size): log-normal (Vazquez-Semadeni 1994, ApJ 423, 681)."""
    return torch.exp(contrast * gaussian_field(canvas, slope, coarsest))


def filaments(canvas: Canvas, width: float, slope: float = 3.6, coarsest: float = 1.5,
              amount: float = 0.0) -> torch.Tensor:
    """Return thin sheets seen edge-on, 0..1, (size, size): where a random field crosses zero."""
    field = gaussian_field(canvas, slope, coarsest)
    if amount:
        field = warp(canvas, field, amount)
    return torch.exp(-field.abs() / width)


def warp(canvas: Canvas, field: torch.Tensor, amount: float) -> torch.Tensor:
    """Swirl a field by the curl of a smooth random potential; amount in image-plane units."""
    potential = gaussian_field(canvas, 5.0)
    down, right = torch.gradient(potential)
    scale = amount / float(right.std() + down.std())
    return sample(field, canvas.x + down * scale, canvas.y + right * scale)


def sample(field: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return a field (size, size) at image-plane places; mirrored beyond the edges."""
    grid = torch.stack([x, -y], -1)[None]
    return grid_sample(field[None, None], grid, padding_mode="reflection",
                       align_corners=False)[0, 0]


def front(canvas: Canvas, dust: torch.Tensor, x: torch.Tensor, y: torch.Tensor,
          reach: float = 0.05) -> torch.Tensor:
    """Return where dust (0..1) rises away from a star at x = y = 0: its ionised surface, 0..1."""
    r = (x * x + y * y + 1e-4).sqrt()
    nearer = sample(dust, canvas.x - x / r * reach, canvas.y - y / r * reach)
    return (dust - nearer).clamp(min=0)


def polar(x: torch.Tensor, y: torch.Tensor, rays: float, turns: float) -> torch.Tensor:
    """Return points (3, size, size) for `fbm` whose noise is drawn out along the radius.

    Args:
        x, y: (size, size), from the middle.
        rays: how fast it varies round the middle.
        turns: how fast it varies along the radius.
    """
    r = (x * x + y * y + 1e-6).sqrt()
    return torch.stack([x / r * rays, y / r * rays, r * turns])


def shell(q: torch.Tensor, thickness: float, blur: float = 0.03) -> torch.Tensor:
    """Return the light of a hollow ellipsoid, about 0..1: the line of sight's path in its wall.

    Args:
        q: distance from the middle in units of the outline's, (size, size).
        thickness: of the wall, proportion of the radius; 1 fills it.
        blur: softness of its edges.
    """
    inner = 1 - min(thickness, 0.999)

    def path(under_root: torch.Tensor) -> torch.Tensor:  # a root with a soft start
        return (under_root / 2 + (under_root ** 2 + blur ** 2).sqrt() / 2).clamp(min=0).sqrt()

    return (path(1 - q * q) - path(inner ** 2 - q * q)) / math.sqrt(1 - inner ** 2)


def axes_through(canvas: Canvas, centre: tuple[float, float], angle: float
           ) -> tuple[torch.Tensor, torch.Tensor]:
    """Return coordinates along and across an axis through a centre, (size, size) each."""
    return rotated(canvas.x - centre[0], canvas.y - centre[1], angle)
