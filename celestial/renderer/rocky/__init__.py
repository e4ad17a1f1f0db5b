"""Rocky planets and their ground.

in: a canvas; out: a picture.

airless_map: Maps of airless bodies: regions made of circles with rough coasts, young craters with
    rays.
atlas: Maps of a body's surface: drawn once from a list of facts, then sampled at every pixel.
craters: Airless rocky ground: the relief of craters of all sizes, its shading and its shadows.
earth: Earth: oceans, continents at their places, weather, blue air; from far away and from orbit.
mars: Mars: ochre deserts, dark regions at their places, polar caps, canyons, haze, close-ups.
mars_ground: Mars from orbit, no limb in sight: craters, canyons and dunes under a low sun.
mercury: Mercury: evenly grey-brown and cratered all over, with the bright rays of young craters.
pluto: Pluto: a bright heart of nitrogen ice, a dark red belt, tan highlands, a yellowish north.
venus: Venus: a white veil to the eye, dark streaks in ultraviolet light, a cracked globe to
    radar.
weather: Earth's clouds: rain belts, clear subtropics, storms drawn out into spirals.
"""
