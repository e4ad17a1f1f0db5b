"""The two public archives: which pictures of a class they have, and under which licence.

NASA Image and Video Library: https://images.nasa.gov/docs/images.nasa.gov_api_docs.pdf
ESA/Hubble: the Data2Dome feed, https://www.eso.org/public/outreach/data2dome/ and
https://github.com/djangoplicity/djangoplicity (djangoplicity/media/d2d), AVM's terms in JSON
"""

import html
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from urllib.parse import quote, urlsplit

from celestial.common.console import UserError
from celestial.data.downloads import Client, DownloadError, is_web_address

ADDRESSES = {"nasa": ("CELESTIAL_NASA_URL", "https://images-api.nasa.gov"),
             "esahubble": ("CELESTIAL_ESAHUBBLE_URL", "https://esahubble.org")}

# "Generally not subject to copyright"; what belongs to others is marked so in its description.
NASA_LICENCE = ("NASA media usage guidelines "
                "https://www.nasa.gov/nasa-brand-center/images-and-media/")
# https://esahubble.org/copyright/, and the field Rights of each picture.
HUBBLE_LICENCE = "CC BY 4.0 https://creativecommons.org/licenses/by/4.0/"
CC_BY = re.compile(r"creative commons attribution 4\.0|cc[ -]by[ -]4\.0", re.IGNORECASE)
COPYRIGHT = re.compile(r"©|\bcopyright|\(c\)\s*\d{4}|all rights reserved", re.IGNORECASE)

MOST_PAGES = 20  # of one search, because later results hardly fit its words
PAGE_SIZE = 100  # NASA's default and the feed's
# NASA's sizes of a file. The medium one, 1280 pixels, is more than a network here looks at and has
# a tenth of the original's bytes; where it is missing the original is not much larger.
NASA_SIZES = ("~orig.", "~large.", "~medium.", "~small.", "~thumb.")
PREFERRED = ("~medium.", "~large.", "~orig.", "~small.", "~thumb.")
HUBBLE_SIZES = ("Small", "Large")  # 1280 pixels, full size; Original is a TIFF of up to 1 GB
PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".gif")
LONGEST_TEXT = 300  # letters of a title or credit in the table


@dataclass(frozen=True)
class Words:
    """How a class is looked for.

    Attributes:
        searches: what NASA's search is asked, the best first.
        names: regular expression of what a title calls it.
    """

    searches: tuple[str, ...]
    names: str


# NASA's search takes every word for wanted. The first ones bring whole discs, not landscapes.
KNOWN = {
    "earth": Words(("earth full disk", "blue marble", "earth epic dscovr", "earth"),
                   r"earths?|blue marble"),
    "galaxy": Words(("spiral galaxy hubble", "galaxy galex", "galaxy spitzer", "galaxy"),
                    r"galax(?:y|ies)"),
    "jupiter": Words(("jupiter hubble", "jupiter full disk", "jupiter cassini", "jupiter voyager",
                      "jupiter juno", "jupiter"), r"jupiter"),
    "mars": Words(("mars hubble", "mars global", "mars full disk", "mars viking hemisphere",
                   "mars"), r"mars"),
    "mercury": Words(("mercury messenger global", "mercury mariner", "mercury planet"),
                     r"mercury"),
    "moon": Words(("full moon", "lunar hemisphere", "moon galileo", "moon"),
                  r"(?:earth'?s )?moons?|lunar"),
    "nebula": Words(("nebula hubble", "nebula spitzer", "nebula"), r"nebulae?|nebulas"),
    "neptune": Words(("neptune voyager", "neptune hubble", "neptune"), r"neptune"),
    "pluto": Words(("pluto new horizons", "pluto"), r"pluto"),
    "saturn": Words(("saturn hubble", "saturn cassini rings", "saturn voyager", "saturn planet"),
                    r"saturn"),
    "star_cluster": Words(("globular cluster", "open cluster", "star cluster"),
                          r"(?:star|globular|open) clusters?|grouping : cluster"),
    "sun": Words(("sun sdo full disk", "sun soho", "solar disk"),
                 r"sun|solar (?:disk|disc|flare|corona)"),
    "uranus": Words(("uranus voyager", "uranus hubble", "uranus"), r"uranus"),
    "venus": Words(("venus mariner", "venus pioneer", "venus magellan global", "venus planet"),
                   r"venus"),
}
# Of titles: what is drawn, computed or plotted, and people and machines on the ground.
NO_PHOTOGRAPH = re.compile(
    r"\b(?:artist\w*|concept\w*|impressions?|illustrat\w*|render\w*|diagrams?|charts?|graphs?|"
    r"plots?|infographics?|logos?|posters?|patch|animat\w*|simulat\w*|models?|maps?|spectr\w*|"
    r"launch\w*|rockets?|boosters?|stages?|capsules?|crews?|astronauts?|teams?|rovers?|landers?|"
    r"helicopters?|test\w*|facility|assembly|briefing|ceremony|mockup|exhibit\w*|apollo|"
    r"saturn (?:v|i|ib|1b)|mercury[ -](?:atlas|redstone)|project mercury)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Candidate:
    """A picture that an archive offers.

    Attributes:
        archive: nasa or esahubble.
        id: the archive's own.
        title, credit, licence: as the archive gives them, on one line.
        page: address of the page about it.
        file: address of the picture; empty where only `files` of the archive finds it.
        refused: why its licence does not allow to use it; empty where it does.
    """

    archive: str
    id: str
    title: str
    credit: str
    licence: str
    page: str
    file: str = ""
    refused: str = ""


def words_of(name: str) -> Words:
    """Return how a class is looked for; one that is not KNOWN by its own name."""
    plain = re.sub(r"[_\-\s]+", " ", name).strip().lower()
    return KNOWN.get(plain.replace(" ", "_"), Words((plain,), re.escape(plain)))


def fits(name: str, text: str) -> bool:
    """Say whether a title, with what stands beside it, is about this class and no other one."""
    own = _pattern(words_of(name).names)
    rest = own.sub(" ", text)
    others = "|".join(words.names for words in KNOWN.values())
    return bool(own.search(text)) and not (NO_PHOTOGRAPH.search(text)
                                           or _pattern(others).search(rest))


def _pattern(names: str) -> re.Pattern:
    return re.compile(rf"(?<!\w)(?:{names})(?!\w)", re.IGNORECASE)


def open_archives(names: list[str], client: Client) -> list:
    """Return the archives of these names.

    Raises:
        UserError: the environment gives one an address that is none.
    """
    kinds = {"nasa": NasaLibrary, "esahubble": HubbleArchive}
    found = []
    for name in dict.fromkeys(names):
        variable, address = ADDRESSES[name]
        address = os.environ.get(variable) or address
        if not is_web_address(address):
            raise UserError(f"{variable} is {address}, which is no http or https address; mend or "
                            "unset it", status=2)
        found.append(kinds[name](client, address.rstrip("/")))
    return found


class _Archive:
    """What the archives have in common.

    Attributes:
        name: as in --sources.
        trouble: why it is asked no more; empty while it answers.
    """

    name = ""

    def __init__(self, client: Client, address: str):
        self.client, self.address, self.trouble = client, address, ""

    def ask(self, path: str, **params: object) -> dict:
        """Return the JSON object at a path of the archive; DownloadError where there is none."""
        answer = self.client.json(self.address + path, params)
        if not isinstance(answer, dict):
            raise DownloadError(f"{self.name} answers in a form that is not documented")
        return answer

    def secure(self, url: str) -> str:
        """Return an address with https where the archive itself is asked that way."""
        return re.sub("^http:", urlsplit(self.address).scheme + ":", url)


class NasaLibrary(_Archive):
    """NASA Image and Video Library, API of release 1.22.

    https://images.nasa.gov/docs/images.nasa.gov_api_docs.pdf: /search answers with
    collection.items[].data[], whose next page a link announces, and /asset/{nasa_id} with
    collection.items[].href, one for each size of the file.
    """

    name = "nasa"

    def search(self, name: str) -> Iterator[Candidate]:
        """Yield what may be pictures of a class.

        Raises:
            DownloadError: the archive cannot be asked.
        """
        for words in words_of(name).searches:
            for page in range(1, MOST_PAGES + 1):
                try:
                    answer = self.ask("/search", q=words, media_type="image", page=page,
                                      page_size=PAGE_SIZE)
                except DownloadError as error:
                    if page > 1 and error.status in (400, 404):
                        break  # past the last page that it serves
                    raise
                collection = _dict(answer.get("collection"))
                found = [self._candidate(_dict(item)) for item in _list(collection.get("items"))]
                yield from (one for one in found if one and fits(name, one.title))
                # Of the link to the next page only its presence counts, because the loop counts
                # the pages itself.
                if not any(_dict(link).get("rel") == "next"
                           for link in _list(collection.get("links"))):
                    break

    def _candidate(self, item: dict) -> Candidate | None:
        data = next((entry for entry in map(_dict, _list(item.get("data")))
                     if entry.get("media_type") == "image" and _text(entry.get("nasa_id"))), None)
        if data is None:
            return None
        credit = (_text(data.get("secondary_creator")) or _text(data.get("photographer"))
                  or _text(data.get("center")))
        notes = " ".join(str(data.get(key, "")) for key in (
            "description", "description_508", "title", "photographer", "secondary_creator"))
        foreign = "its description names a copyright" if COPYRIGHT.search(notes) else ""
        nasa_id = _line(data["nasa_id"])
        return Candidate(self.name, nasa_id, _text(data.get("title")),
                         credit if "NASA" in credit else f"NASA/{credit}".rstrip("/"),
                         "" if foreign else NASA_LICENCE,
                         f"https://images.nasa.gov/details/{quote(nasa_id, safe='')}",
                         refused=foreign)

    def files(self, candidate: Candidate) -> list[str]:
        """Return the addresses of a picture, the best first and then smaller ones.

        Raises:
            DownloadError: it has none.
        """
        answer = self.ask(f"/asset/{quote(candidate.id, safe='')}")
        items = map(_dict, _list(_dict(answer.get("collection")).get("items")))
        hrefs = [href for item in items
                 if is_web_address(href := self.secure(_line(item.get("href"))))
                 and urlsplit(href).path.lower().endswith(PICTURE_ENDINGS)]
        by_size = {}
        for href in sorted(hrefs, key=lambda href: href.lower().endswith((".tif", ".tiff"))):
            size = next((size for size in NASA_SIZES if size in href.lower()), None)
            by_size.setdefault(size, href)
        best = next((size for size in PREFERRED if size in by_size), None)
        if best is None:
            raise DownloadError("the archive lists no picture file")
        return [by_size[size] for size in NASA_SIZES[NASA_SIZES.index(best):] if size in by_size]


class HubbleArchive(_Archive):
    """ESA/Hubble's pictures, all in one feed, the newest first: /images/d2d/?page=N.

    Data2Dome: Collections[] with ID, Title, Credit, Rights, Subject.Name, Subject.Category,
    ReferenceURL and Assets[].Resources[]; Next is missing on the last page. ObservationData stands
    with observations only, not with artists' impressions and portraits (djangoplicity's
    media/d2d/serializers.py). It has no search, so each page is read once for all classes.
    """

    name = "esahubble"

    def __init__(self, client: Client, address: str):
        super().__init__(client, address)
        self.pages: list[list[tuple[Candidate, str]]] = []
        self.complete = False

    def search(self, name: str) -> Iterator[Candidate]:
        """Yield what may be pictures of a class.

        Raises:
            DownloadError: the archive cannot be asked.
        """
        for number in count():
            if number == len(self.pages):
                if self.complete:
                    return
                self._read_page()
            yield from (one for one, text in self.pages[number] if fits(name, text))

    def _read_page(self) -> None:
        answer = self.ask("/images/d2d/", page=len(self.pages) + 1)
        entries = [entry for entry in map(_dict, _list(answer.get("Collections")))
                   if _text(entry.get("ID"))]
        self.pages.append([(self._candidate(entry), _subject_of(entry)) for entry in entries
                           if any("ObservationData" in asset for asset in _assets(entry))])
        # An empty page ends the feed too, because a server that always says Next would be asked
        # for ever.
        self.complete = not answer.get("Next") or not entries

    def _candidate(self, entry: dict) -> Candidate:
        rights, credit = _text(entry.get("Rights")), _text(entry.get("Credit"))
        refused = ""
        if not CC_BY.search(rights) or COPYRIGHT.search(credit):
            refused = f"its rights are not CC BY 4.0 ({rights or 'none given'}; {credit})"
        page = _line(entry.get("ReferenceURL"))
        picture_id = _line(entry["ID"])
        return Candidate(self.name, picture_id, _text(entry.get("Title")),
                         credit or "ESA/Hubble", rights if refused else HUBBLE_LICENCE,
                         page if is_web_address(page)
                         else f"https://esahubble.org/images/{quote(picture_id, safe='')}/",
                         self._file_of(entry), refused)

    def _file_of(self, entry: dict) -> str:
        resources = [resource for asset in _assets(entry)
                     for resource in map(_dict, _list(asset.get("Resources")))]
        return next((self.secure(_line(resource["URL"])) for size in HUBBLE_SIZES
                     for resource in resources
                     if resource.get("ResourceType") == size and resource.get("URL")), "")

    def files(self, candidate: Candidate) -> list[str]:
        """Return the address of a picture; DownloadError where it has none."""
        if not candidate.file:
            raise DownloadError("the archive lists no picture file")
        return [candidate.file]


def _assets(entry: dict) -> list[dict]:
    return [asset for asset in map(_dict, _list(entry.get("Assets")))
            if asset.get("MediaType") == "Image"]


def _subject_of(entry: dict) -> str:
    """Return what a picture of the feed is about: its title, names and categories."""
    subject = _dict(entry.get("Subject"))
    return " | ".join([_text(entry.get("Title")), *map(_text, _list(subject.get("Name"))),
                       *map(_text, _list(subject.get("Category")))])


def _dict(value: object) -> dict:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list:
    return value if isinstance(value, list) else []


def _line(value: object) -> str:
    """Return text without what breaks a line, commands a terminal or cannot be written."""
    text = str(value) if isinstance(value, (str, int)) else ""
    text = text.encode("utf-8", errors="replace").decode("utf-8")
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _text(value: object) -> str:
    """Return text for a cell of the table: one line of LONGEST_TEXT letters at most, no tags."""
    line = " ".join(_line(html.unescape(re.sub(r"<[^<>]*>", " ", _line(value)))).split())
    return line if len(line) <= LONGEST_TEXT else line[:LONGEST_TEXT - 3] + "..."
