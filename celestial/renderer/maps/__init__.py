"""Globes wrapped in real maps.

in: a folder of maps and a canvas; out: a picture.

map_choice: Which map which picture is drawn from: several maps of a body in turn, a proportion
    of each class.
map_earth: Earth from maps: EPIC's full discs, the Blue Marble, crescents, the horizon from a low
    orbit.
map_files: Which pictures of a folder are maps of celestial bodies, told by names; their pixels.
map_globe: A map wrapped around a globe: each pixel takes the mean of the part of the map that it
    sees.
map_ice: Uranus and Neptune from maps: Voyager's colours, Hubble's stretched ones, filters,
    crescents.
map_jupiter: Jupiter from maps: true colour, filters, hard contrast, small blurs.
map_looks: What pictures from maps share: tones of filters, stretched colours, small telescopes.
map_mars: Mars from maps: Hubble's discs with caps and haze, mosaics, phases, regions, small
    blurs.
map_moon: The Moon from maps: all that the drawn Moon goes through, with its true maria, rays and
    hues.
map_others: Other bodies from maps: moons, asteroids, Mercury, Venus, Pluto, the Sun.
map_pictures: Pictures of bodies whose surface comes from a map: which module wraps which body.
map_saturn: Saturn from maps: the globe and, where there is a picture of them, the rings along the
    radius.
"""
