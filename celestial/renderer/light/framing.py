"""Chooses where a body stands in the picture, and where the sun stands."""

import math
from dataclasses import replace

from celestial.renderer.light.canvas import Canvas
from celestial.renderer.light.globe import Pose, direction


def frame(canvas: Canvas, kinds: dict[str, float]) -> tuple[float, tuple[float, float]]:
    """Choose how large a body is in the picture and where.

    Args:
        canvas: the picture.
        kinds: weights of "full" (the disc fills much of the frame), "small" (a small disc in a
            large field), "partial" (the frame cuts the disc), "close" (little or no limb).

    Returns:
        (radius, centre) in image-plane units, for a Pose.
    """
    kind = canvas.pick(kinds)
    if kind == "full":
        radius = canvas.uniform(0.5, 0.97)
        room = max(0.0, 1 - radius) * 0.9
        return radius, (canvas.uniform(-room, room), canvas.uniform(-room, room))
    if kind == "small":
        radius = canvas.log_uniform(0.09, 0.5)
        room = (0.9 - radius) * canvas.uniform(0.1, 1)
        return radius, (canvas.uniform(-room, room), canvas.uniform(-room, room))
    angle = canvas.uniform(0, 2 * math.pi)
    if kind == "partial":
        radius = canvas.uniform(0.7, 2.0)
        away = canvas.uniform(max(0.2, radius - 0.8), radius + 0.3)
    else:
        radius = canvas.log_uniform(2.0, 8.0)
        away = canvas.uniform(0, radius * 0.75)
    return radius, (away * math.cos(angle), away * math.sin(angle))


def on_screen(canvas: Canvas) -> tuple[float, tuple[float, float]]:
    """Choose radius and centre as `frame` does, of a body that a planetarium program shows."""
    radius = canvas.log_uniform(0.1, 0.4) if canvas.chance(0.35) else canvas.uniform(0.4, 0.95)
    away = 0.02 if canvas.chance(0.75) else 0.3 * max(0.0, 1 - radius)
    return radius, (canvas.rng.normal(0, away), canvas.rng.normal(0, away))


def sunward(canvas: Canvas, centre: tuple[float, float], sun_turn: float) -> float:
    """Turn the sun of a body that the frame cuts, so that the part in sight is the sunlit one."""
    if math.hypot(*centre) < 0.5:
        return sun_turn
    return math.atan2(-centre[1], -centre[0]) + canvas.rng.normal(0, 0.6)


def sun_at(latitude: float, turn: float, sun_latitude: float, hour: float) -> tuple[float, float]:
    """Return (phase, sun_turn) of a Pose whose sun stands over a given latitude.

    Args:
        latitude, turn: of the Pose, radians.
        sun_latitude: over which the sun stands: at most the planet's obliquity, radians.
        hour: longitude of the sun east of the point below the camera, radians.
    """
    pose = Pose(1.0, (0.0, 0.0), latitude, turn, 0.0, 0.0, 0.0)
    x, y, z = (float(value) for value in direction(sun_latitude, hour) @ pose.axes)
    return math.acos(max(-1.0, min(1.0, z))), math.atan2(y, x)


def at_most(pose: Pose, radius: float) -> Pose:
    """Return a pose no larger than this radius; the same place of the body stays in the middle."""
    if pose.radius <= radius:
        return pose
    shrunk = radius / pose.radius
    return replace(pose, radius=radius, centre=(pose.centre[0] * shrunk, pose.centre[1] * shrunk))
