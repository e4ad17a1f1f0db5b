"""Pictures of celestial bodies, drawn from physics where there is any, or from maps.

in: a class, a seed, a size, maybe maps; out: uint8 (height, width, 3), sRGB.

draw: Draws a picture of a class, from physics where there is any, or from maps.
drawers: Finds the module that draws a class.
light/: What every drawing starts from: image plane, globe, sky, camera.
rocky/: Rocky planets and their ground.
moon/: The Moon.
giants/: Giant planets: clouds, storms, rings.
sun/: The Sun.
deep_sky/: Galaxies, nebulae and star clusters.
other_space/: What is in space and none of the classes.
everyday/: What is on Earth and none of the classes.
maps/: Globes wrapped in real maps.
pages/: Pictures as web sites show them, and the flat graphics beside them.
"""
