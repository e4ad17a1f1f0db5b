"""What fetch_pictures.py remembers of a folder: names, owners, what was removed."""

from archive_site import picture, table

from celestial.data.archives import Candidate
from celestial.data.fetched_folder import Collection, look_at


def test_one_picture_stands_under_one_class_and_one_name(tmp_path):
    def offered(picture_id):
        return Candidate("nasa", picture_id, "Mars", "NASA", "free", "https://example.org")

    def reopened():
        return Collection(tmp_path / "in", 1)

    content, collection = picture("mars", 1), reopened()
    row = collection.new_row("mars", offered("PIA01"))
    row = row.ended("", path=collection.path_for("mars", offered("PIA01"), "http://a/b.PNG?c=.gif"))
    assert row.path == "mars/nasa_PIA01.png"
    collection.add(collection.keep(row, content, look_at(content)))
    assert collection.owner("saturn", offered("PIA01")) == "mars/nasa_PIA01.png"
    assert not collection.owner("mars", offered("PIA01"))
    assert not collection.owner("saturn", offered("PIA02"))
    assert collection.copy_of("saturn", look_at(content)) == "mars/nasa_PIA01.png"
    assert not collection.copy_of("saturn", look_at(picture("saturn", 2)))
    # On disks that ignore case pia01 would be the same file.
    other = collection.path_for("mars", offered("pia01"), "http://a/b.png")
    assert other.startswith("mars/nasa_pia01~") and other.endswith(".png")

    (tmp_path / "in/mars").rename(tmp_path / "away")
    assert reopened().kept("mars") == 0 and reopened().is_settled("mars", offered("PIA01"), 9)
    collection = reopened()
    collection.add(collection.new_row("mars", offered("PIA02")).ended("too large", "larger than 1"))
    assert not collection.is_settled("mars", offered("PIA02"), 9), "the limit is another one now"
    assert [row["status"] for row in table(tmp_path, "in")] == ["removed", "too large"]
    (tmp_path / "away").rename(tmp_path / "in/mars")
    assert reopened().kept("mars") == 1
