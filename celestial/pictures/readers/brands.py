"""Tells AVIF, HEIF and videos by the brands in their files (ISO/IEC 14496-12, 4.3), and AVI."""

AVIF, HEIF, VIDEO = "AVIF", "HEIF", "video"
# In the order in which they decide: an AVIF calls itself a HEIF as well.
KINDS = {
    HEIF: {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"},
    AVIF: {b"avif", b"avis"},
}
ANY_HEIF = {b"mif1", b"mif2", b"mif3", b"msf1", b"miaf", b"1pic"}  # packed in any way
VIDEOS = (b"iso", b"mp4", b"mp7", b"qt ", b"avc", b"M4V", b"3gp", b"3g2", b"f4v", b"MSNV", b"dash",
          b"XAVC", b"CAEP")
OLD_MOV = {b"moov", b"mdat", b"wide", b"skip", b"free", b"pnot"}  # first boxes without brands


def kind_of(head: bytes) -> str | None:
    """Return AVIF, HEIF or VIDEO by the first bytes of a file; None for all else.

    The first brand decides, then the others: an AVIF may begin with `mif1`, or with any other.
    """
    if head[4:8] in OLD_MOV or (head[:4] == b"RIFF" and head[8:12] == b"AVI "):
        return VIDEO
    if head[4:8] != b"ftyp":
        return None
    box = head[:int.from_bytes(head[:4], "big")]
    first = box[8:12]
    brands = {first, *(box[place:place + 4] for place in range(16, len(box), 4))}
    for wanted in ({first}, brands):
        kind = next((kind for kind, names in KINDS.items() if names & wanted), None)
        if kind:
            return kind
    if brands & ANY_HEIF:
        return HEIF
    return VIDEO if any(brand.startswith(VIDEOS) for brand in brands) else None
