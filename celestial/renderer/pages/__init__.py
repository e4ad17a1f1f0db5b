"""Pictures as web sites show them, and the flat graphics beside them.

in: a canvas, maybe a picture; out: a picture as a page shows it.

backdrops: What web sites put behind a picture that was cut out: paper, a checkerboard, colours,
    skies.
cartoons: Draws planets as cartoons, unlike any photograph: flat fills, thick outlines, faces.
charts: Charts of the sky and the solar system: orbits, sizes, phases, constellations,
    infographics.
emblems: Logos, icons and lettering: flat shapes on one colour, as sites of any kind have them.
flat: A sheet on which flat graphics are drawn: shapes without light and shade, with smooth edges.
lettering: Words as web sites set them: titles, captions, lines of text, in the fonts of
    matplotlib.
many_bodies: Draws many bodies on one picture, none of which is its subject: grids and rows,
    collages.
screens: Screens of programs: windows, terminals, tables, plots, web pages.
shown: Pictures as web sites show them: a body cut out and put before something, a page around it.
web_finish: What happens to a picture on its way through the web: sizes, compression, borders,
    marks.
"""
