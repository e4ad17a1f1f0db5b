"""Chooses the maps of each picture: those of a body in turn, for a proportion of each class."""

from dataclasses import dataclass

from celestial.common.console import PLANETS
from celestial.renderer.maps.map_files import MapFile
from celestial.renderer.maps.map_globe import rows_needed

# Pictures from maps, of how many pictures of a class. The others are drawn without maps, so that a
# network sees both. Of other_space there are fewer, because bodies with maps are only a part of it.
PROPORTION, PROPORTION_OF_OTHERS = (3, 5), (1, 3)
LEAST_RADIUS = 0.5  # of a globe, image-plane units; maps too coarse for it are left out


@dataclass(frozen=True)
class Source:
    """The maps that one picture is drawn from; rings and clouds where there are any."""

    chart: MapFile
    rings: MapFile | None = None
    clouds: MapFile | None = None

    def __str__(self) -> str:
        return ", ".join(str(part) for part in (self.chart, self.rings, self.clouds) if part)


@dataclass(frozen=True)
class MapSet:
    """The maps of a folder, from `map_files.read_folder`."""

    maps: tuple[MapFile, ...]

    def source(self, class_name: str, index: int, size: int) -> Source | None:
        """Return the maps of a picture; None: it is drawn as without maps.

        Args:
            class_name: the class; other_space takes the maps of all bodies but the planets and the
                Moon.
            index: number of the picture within its class.
            size: its longer side, pixels.
        """
        least = rows_needed(size, LEAST_RADIUS)
        fine = [part for part in self.maps if part.rows >= least]
        charts = [chart for chart in fine if chart.kind == "map"
                  and (chart.body == class_name
                       or class_name == "other_space" and chart.body not in PLANETS)]
        part, whole = PROPORTION_OF_OTHERS if class_name == "other_space" else PROPORTION
        if not charts or index * part % whole >= part:
            return None
        turn = index * part // whole  # counts the pictures from maps
        chart = charts[turn % len(charts)]
        rounds = turn // len(charts)
        return Source(chart, *(_layer(fine, kind, chart.body, rounds)
                               for kind in ("rings", "clouds")))


def _layer(maps: list[MapFile], kind: str, body: str, turn: int) -> MapFile | None:
    """Return one of a body's layers of a kind, in turn."""
    layers = [layer for layer in maps if (layer.kind, layer.body) == (kind, body)]
    return layers[turn % len(layers)] if layers else None
