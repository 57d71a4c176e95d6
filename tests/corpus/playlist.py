"""Strict readers for the two kinds of playlist (RFC 8216): what a picky client would refuse is a fault."""

import re

MEDIA_TAGS = {
    "EXT-X-VERSION": r"\d+", "EXT-X-TARGETDURATION": r"\d+", "EXT-X-MEDIA-SEQUENCE": r"\d+", "EXT-X-PLAYLIST-TYPE": r"VOD",
    "EXT-X-INDEPENDENT-SEGMENTS": None, "EXT-X-ENDLIST": None, "EXTINF": r"\d+(\.\d+)?,.*", "EXT-X-START": r"TIME-OFFSET=-?\d+(\.\d+)?(,PRECISE=(YES|NO))?",
    "EXT-X-ABSOLUTE-DURATION": r"\d+(\.\d+)?", "EXT-X-MAP": r'URI="[^"]+"', "EXT-X-DATERANGE": r".+",
}  # fmt: skip
MASTER_TAGS = {
    "EXT-X-VERSION": r"\d+", "EXT-X-INDEPENDENT-SEGMENTS": None, "EXT-X-STREAM-INF": r".+", "EXT-X-MEDIA": r".+", "EXT-X-I-FRAME-STREAM-INF": r".+",
    "EXT-X-SESSION-DATA": r".+",
}  # fmt: skip
ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"\r\n]*"|[^",\s][^",]*)(?:,|$)')


class Faulty(Exception):
    pass


class Segments(list):
    """[(duration, uri)], and the URI of the initialization segment."""

    init = None


def lines(text, known):
    if "\r" in text or not text.endswith("\n"):
        raise Faulty("line ends")
    every = text.split("\n")[:-1]
    if not every or every[0] != "#EXTM3U":
        raise Faulty("does not begin with #EXTM3U")
    for line in every[1:]:
        if not line or (line.startswith("#") and not line.startswith("#EXT")):
            continue
        if not line.startswith("#"):
            yield None, line
            continue
        tag, _, value = line[1:].partition(":")
        if tag not in known:
            raise Faulty(f"unknown tag {tag}")
        if (known[tag] is None) != (":" not in line) or (known[tag] is not None and not re.fullmatch(known[tag], value)):
            raise Faulty(f"malformed {line!r}")
        yield tag, value


def media(text):
    """The Segments of a VOD playlist. Raises Faulty."""
    seen, segments, pending, ended = {}, Segments(), None, False
    for tag, value in lines(text, MEDIA_TAGS):
        if ended:
            raise Faulty("something follows EXT-X-ENDLIST")
        if tag is None:
            if pending is None:
                raise Faulty(f"{value} has no EXTINF")
            segments.append((pending, value))
            pending = None
        elif tag == "EXTINF":
            if pending is not None:
                raise Faulty("two EXTINF in a row")
            pending = float(value.partition(",")[0])
        elif tag == "EXT-X-ENDLIST":
            ended = True
        elif tag == "EXT-X-DATERANGE":
            continue
        else:
            if tag in seen or segments or pending is not None:
                raise Faulty(f"{tag} twice or after the first segment")
            seen[tag] = value
    for tag in ("EXT-X-VERSION", "EXT-X-TARGETDURATION", "EXT-X-PLAYLIST-TYPE"):
        if tag not in seen:
            raise Faulty(f"no {tag}")
    if not ended or pending is not None or not segments:
        raise Faulty("no EXT-X-ENDLIST, or no segments")
    if int(seen["EXT-X-VERSION"]) < 3:
        raise Faulty("decimal EXTINF needs version 3")
    target = int(seen["EXT-X-TARGETDURATION"])
    for duration, uri in segments:
        if duration <= 0 or int(duration + 0.5) > target:
            raise Faulty(f"{uri}: EXTINF {duration} against target duration {target}")
    if len({uri for _, uri in segments}) != len(segments):
        raise Faulty("a segment is named twice")
    if "EXT-X-MAP" in seen:
        segments.init = seen["EXT-X-MAP"].partition('"')[2].rstrip('"')
        if int(seen["EXT-X-VERSION"]) < 6:
            raise Faulty("EXT-X-MAP needs version 6")
    return segments


def attributes(value):
    """Raises Faulty."""
    rest, found = value, {}
    while rest:
        attribute = ATTRIBUTE.match(rest)
        if not attribute or attribute[1] in found:
            raise Faulty(f"malformed attributes {value!r}")
        found[attribute[1]] = attribute[2]
        rest = rest[attribute.end() :]
    return found


def master(text):
    """([(attributes, uri)] of the variants, [attributes] of EXT-X-MEDIA). Raises Faulty."""
    variants, renditions, pending = [], [], None
    for tag, value in lines(text, MASTER_TAGS):
        if tag is None:
            if pending is None:
                raise Faulty(f"{value} has no EXT-X-STREAM-INF")
            variants.append((pending, value))
            pending = None
        elif tag == "EXT-X-MEDIA":
            renditions.append(attributes(value))
            if any(name not in renditions[-1] for name in ("TYPE", "GROUP-ID", "NAME")):
                raise Faulty(f"EXT-X-MEDIA without type, group or name: {value!r}")
        elif tag == "EXT-X-STREAM-INF":
            pending = attributes(value)
            if not re.fullmatch(r"\d+", pending.get("BANDWIDTH", "")):
                raise Faulty("no BANDWIDTH")
            if not re.fullmatch(r'"[^"]+"', pending.get("CODECS", "")):
                raise Faulty("no CODECS")
            if "RESOLUTION" in pending and not re.fullmatch(r"\d+x\d+", pending["RESOLUTION"]):
                raise Faulty(f"RESOLUTION {pending['RESOLUTION']}")
    if not variants or pending is not None:
        raise Faulty("no variant")
    groups = {(rendition["TYPE"], rendition["GROUP-ID"]) for rendition in renditions}
    for found, uri in variants:
        for kind in ("AUDIO", "SUBTITLES"):
            if kind in found and (kind, found[kind]) not in groups:
                raise Faulty(f"{uri} names a group {found[kind]} that is not there")
    return variants, renditions
