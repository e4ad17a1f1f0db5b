"""What every drawing starts from: image plane, globe, sky, camera.

in: a random generator and a device; out: light, and the picture that a camera makes of it.

canvas: Holds what every drawing starts from: an image plane, a random generator, a device.
noise: Makes random fields: turbulence on a sphere or in space, clouds in the image plane.
framing: Chooses where a body stands in the picture, and where the sun stands.
globe: Shows a spheroid from far away: the place that each pixel sees, and how the sun falls
    there.
rings: Shows a planet's rings: where each pixel meets them, and the shadows both ways.
stars: Draws stars: points of light with the colours and brightnesses that stars have.
look: Chooses how a picture is taken and processed, as telescopes, spacecraft and users do it.
camera: Turns light into a picture, taken and processed as a `Look` says.
cutout: Cuts a body out of its picture: the pixels that it covers, and its light without the
    sky's.
"""
