"""Which files are maps, rings and clouds, and which are passed over, by their names."""

import pytest

from celestial.renderer.maps.map_files import kind_of

NAMES = {
    ("jupiter", "map"): ["2k_jupiter.jpg", "jupiter.png", "jupiter-2018.jpg", "Jupiter map.JPG"],
    ("earth", "map"): ["8k_earth_daymap.jpg", "earth_bluemarble.jpg", "earthmap1k.jpg",
                       "world.topo.bathy.200412.3x5400x2700.jpg", "earth_no_clouds_8k.jpg",
                       "earth_without_clouds.jpg", "earth_cloudless.jpg", "earth_cloud_free.png",
                       "earth_with_clouds.jpg", "earth_daylight.jpg", "worldmap.jpg"],
    ("earth", "clouds"): ["2k_earth_clouds.jpg", "earth-clouds.png", "earthcloudmap.jpg",
                          "EarthClouds1k.jpg", "earth_cloudcover.jpg"],
    ("saturn", "rings"): ["2k_saturn_ring_alpha.png", "saturn_rings_radial.png",
                          "saturn-rings.png", "saturnringcolor.jpg", "SaturnRings.png"],
    ("saturn", "map"): ["saturn_spring_2012.jpg", "saturn_string.jpg", "saturn_no_rings.jpg"],
    ("moon", "map"): ["moon_4k.jpg", "lroc_color_poles_4k.tif",
                      "Lunar_Clementine_UVVIS_750nm_Global_Mosaic.tif", "earth_moon.jpg",
                      "moon_highlight.jpg"],
    ("io", "map"): ["io.png", "jupiter_io.jpg", "jupiter_moon_io.jpg", "io_moon.png"],
    ("titania", "map"): ["titania.jpg"], ("titan", "map"): ["titan.png", "titan_moon.jpg"],
    ("venus", "map"): ["2k_venus_atmosphere.jpg", "venus_clouds.jpg"],
    ("mars", "map"): ["Mars_Viking_MDIM21_ClrMosaic_global_232m.tif", "MarsMap.png",
                      "mars_world_map.jpg", "mars_engineering.jpg", "mars_through_a_lens.jpg"],
    "normals of a relief": ["moon_normals.png", "8k_earth_normal_map.tif", "venus-normal.png"],
    "heights": ["earthbump1k.jpg", "miranda-height.jpg", "Mars_MGS_MOLA_DEM_mosaic.tif",
                "mars_dem_2k.jpg", "marsdem1k.jpg", "Earth_Bathymetry.jpg"],
    "shadows of a relief": ["earth_ao.png"],
    "a mask": ["callisto-lok-mask.png", "earthcloudmaptrans.jpg", "earth_trans_2k.png"],
    "the night side": ["2k_earth_nightmap.jpg", "EarthNight.jpg", "earth_lights.jpg",
                       "earthlights1k.jpg"],
    "reflection or roughness": ["8k_earth_specular_map.tif", "earthspec1k.jpg",
                                "earth_spec_2k.jpg", "earth_metallic.png", "earthspecularmap.jpg"],
    "radar, which no eye sees": ["2k_venus_surface.jpg"],
    "rings of another body than Saturn": ["uranus_rings_radial.png"],
    "clouds of another body than Earth": ["titan-clouds.png"],
    None: ["bt_planet.png", "2k_stars_milky_way.jpg", "venuslike.jpg", "SOURCES.csv", "moon.txt",
           "sunflower.jpg", "landscape.png", "sunday.jpg", "moonlight.jpg"],
}


@pytest.mark.parametrize(("meant", "name"), [(m, n) for m, names in NAMES.items() for n in names])
def test_names_say_what_is_a_map(meant, name):
    assert kind_of(name) == meant
