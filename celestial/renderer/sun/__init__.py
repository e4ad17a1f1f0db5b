"""The Sun.

in: a canvas; out: a picture.

sun: The Sun: photosphere, chromosphere, the corona in ultraviolet light, eclipses, sunsets.
sun_activity: What the Sun's activity makes: regions in two belts, prominences on the limb.
sun_corona: The Sun's corona: in extreme ultraviolet light, and around the Moon in eclipses.
"""
