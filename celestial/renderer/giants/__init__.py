"""Giant planets: clouds, storms, rings.

in: a canvas; out: a picture.

bands: Belts and zones of gas giants: tables over latitude, from the south pole to the north pole.
giants: What the giant planets share: faint rings, moons as dots, clouds drawn out, readable
    looks.
jupiter: Jupiter: belts and zones, the Great Red Spot, ovals, festoons, chaotic poles, moons.
jupiter_weather: Jupiter's weather: the colours of its bands, its winds and storms, different
    every year.
neptune: Neptune: azure to deep blue, with faint bands, white streaks and now and then a dark
    spot.
saturn: Saturn: pale gold bands, and rings that are bright, dark or glowing with the sun's place.
saturn_rings: Saturn's rings: which light they scatter towards us, which they stop.
uranus: Uranus: an almost featureless ball that lies on its side, with thin dark rings.
vortices: Vortices of a gas giant: ovals that wind up the clouds and bend the bands around them.
"""
