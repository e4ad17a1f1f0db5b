"""Globes wrapped in real maps.

in: a folder of maps and a canvas; out: a picture.

map_files: Finds the maps of celestial bodies in a folder by the files' names, and reads them.
map_choice: Chooses the maps of each picture: those of a body in turn, for a proportion of each
    class.
map_pictures: Draws a picture of a body from its maps, by the module that wraps the body.
map_globe: Wraps a map around a globe: each pixel takes the mean of the part of the map that it
    sees.
map_looks: Changes pictures from maps: tones of filters, stretched colours, small telescopes.
map_earth: Draws Earth from maps: EPIC's full discs, the Blue Marble, crescents, a low orbit's
    horizon.
map_mars: Draws Mars from maps: Hubble's discs with caps and haze, mosaics, phases, small blurs.
map_moon: Draws the Moon from maps: its true maria, rays and hues in the styles of the drawn Moon.
map_jupiter: Draws Jupiter from maps: true colour, filters, hard contrast, small blurs.
map_saturn: Draws Saturn from maps, and its rings from a picture along their radius where there is
    one.
map_ice: Draws Uranus and Neptune from maps: Voyager's colours, Hubble's, filters, crescents.
map_others: Draws other bodies from maps: moons, asteroids, Mercury, Venus, Pluto, the Sun.
"""
