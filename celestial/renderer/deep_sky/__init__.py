"""Galaxies, nebulae and star clusters.

in: a canvas; out: a picture.

deepsky: What pictures of the deep sky share: plates, stretches, star shapes, the stars of the
    field.
encounter: Two galaxies pass each other: the tides draw out tails and bridges.
galaxy: Galaxies: one, two after an encounter, a group, a field of many.
galaxy_kinds: Kinds of galaxies: spirals, discs from the side, ellipticals, irregulars, rings,
    starbursts.
nebula: Nebulae: gas and dust between the stars, glowing, reflecting or hiding.
nebula_dust: Dust between the stars: what it dims, and the shapes in which it stands before
    glowing gas.
nebula_gas: Gas of nebulae: its turbulence, its spectral lines, the palettes they are shown in.
nebula_kinds: Nebulae lit by stars, or hiding them: emission, reflection, dark, and clouds of all
    three.
nebula_planetary: Planetary nebulae: shells that dying stars have thrown off.
nebula_shocks: Nebulae of shocks: supernova remnants, bubbles of hot stars' winds, jets of newborn
    stars.
star_cluster: Star clusters: globular ones, hundreds of thousands of old stars, and young open
    ones.
"""
