"""What is on Earth and none of the classes.

in: a canvas; out: a picture.

blank: Pictures with next to nothing on them: one colour, a gradient, a lens cap, noise alone.
everyday: Pictures of what is none of the classes: landscapes, rooms, streets, animals, things,
    pages.
everyday_materials: What everyday things are made of: colours and textures, computed at any place
    of a surface.
everyday_shapes: Outlines and shading of everyday things: a level is below 1 inside an outline, 1
    at its edge.
everyday_things: Everyday things: each drawn over a picture at a place, by eye.
night_lights: Lights in the dark: launches, their arcs in long exposures, cities, lamps, glare in
    the lens.
"""
