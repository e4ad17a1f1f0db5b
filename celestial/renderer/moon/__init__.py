"""The Moon.

in: a canvas; out: a picture.

moon: The Moon: dark maria at their places, bright highlands, rays, craters along the terminator.
moon_map: The map of the Moon: dark maria and the bright rays of young craters, at their places.
moon_styles: How the Moon's light is shown: plainly, through haze, by day, in other colours, on a
    screen.
"""
