"""What every drawing starts from: image plane, globe, sky, camera.

in: a random generator and a device; out: light, and the picture that a camera makes of it.

camera: The camera: light -> a picture, taken and processed as a `Look` says.
canvas: What every drawing starts from: a square of image plane, a random generator, a device.
cutout: A body cut out of its picture: which pixels it covers, and its light without the sky's.
framing: Where a body stands in the picture, and the sun beside it.
globe: A spheroid as a camera far away sees it: where each pixel looks, and how the sun falls
    there.
look: How a picture is taken and processed, as telescopes, spacecraft and their users do it.
noise: Random fields: turbulence on a sphere or in space, clouds in the image plane.
rings: Rings in a planet's equatorial plane: where each pixel meets them, and the shadows both
    ways.
stars: Stars: points of light with the colours and brightnesses that stars have.
"""
