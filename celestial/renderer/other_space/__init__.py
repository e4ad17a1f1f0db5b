"""What is in space and none of the classes.

in: a canvas; out: a picture.

comet: Comets: a bright head, a blue tail of ions, a yellowish fan of dust, trailed or sharp
    stars.
lumps: Bodies too small to be round: asteroids, comets' nuclei, Phobos, Deimos.
night_sky: Night skies above a landscape: auroras, star trails, the Milky Way.
odd_light: Light that is no body: lens flares on black, the ring of an annular eclipse, meteors'
    trails.
other_space: Other things in space, none of which is a class: moons, asteroids, comets, craft,
    night skies.
small_bodies: Round worlds that no class names: the large moons of the giants, planets of other
    stars.
spacecraft: Spacecraft, stations, rockets and astronauts, before black, stars or a blue Earth.
"""
