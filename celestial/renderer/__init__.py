"""Pictures of celestial bodies, drawn from physics where there is any, or from maps.

in: a class, a seed, a size, maybe maps; out: uint8 (height, width, 3), sRGB.

deep_sky/: Galaxies, nebulae and star clusters.
draw: Pictures of celestial bodies, drawn from physics where there is any: a module a class.
drawers: Which module draws which class.
everyday/: What is on Earth and none of the classes.
giants/: Giant planets: clouds, storms, rings.
light/: What every drawing starts from: image plane, globe, sky, camera.
maps/: Globes wrapped in real maps.
moon/: The Moon.
other_space/: What is in space and none of the classes.
pages/: Pictures as web sites show them, and the flat graphics beside them.
rocky/: Rocky planets and their ground.
sun/: The Sun.
"""
