"""Reads fragmented MP4 segments (ISO/IEC 14496-12) byte by byte and tells what is wrong with them. The result has the shape of ts.scan's: pictures, frames of sound,
faults; times in ticks of 90 kHz. Nothing here knows of the program under test."""

from dataclasses import dataclass, field

CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"mvex", b"moof", b"traf", b"dinf"}
VISUAL = {b"avc1": b"avcC", b"hvc1": b"hvcC", b"dvh1": b"hvcC", b"av01": b"av1C", b"dav1": b"av1C", b"vp09": b"vpcC"}
AUDIBLE = {b"mp4a": b"esds", b"Opus": b"dOps", b"fLaC": b"dfLa", b"ac-3": b"dac3", b"ec-3": b"dec3", b"alac": b"alac"}


@dataclass
class Unit:
    """A sample."""

    segment: int
    pts: float
    dts: float
    data: bytes
    keyframe: bool  # a decoder can start here and show all that follows


@dataclass
class AudioFrame:
    segment: int
    pts: float
    data: bytes
    samples: int
    rate: int
    stamped: bool = True


@dataclass
class Track:
    kind: bytes
    entry: bytes  # the sample entry's type
    record: bytes  # its configuration
    scale: int
    end: int | None = None  # decode time behind the last sample
    last: int = 0  # length of the last sample


@dataclass
class Scan:
    faults: list[str] = field(default_factory=list)
    tracks: dict[int, Track] = field(default_factory=dict)
    video: list[Unit] = field(default_factory=list)
    audio: list[Unit] = field(default_factory=list)
    frames: list[AudioFrame] = field(default_factory=list)

    def fault(self, text):
        if len(self.faults) < 40:
            self.faults.append(text)

    def codecs(self):
        """What CODECS must begin with, one for each track."""
        names = []
        for track in self.tracks.values():
            if track.entry == b"avc1":
                names.append(f"avc1.{track.record[1:4].hex()}")
            elif track.entry == b"mp4a":
                # The object type indication is behind two descriptors' heads, whose lengths have 1 to 4 bytes.
                names.append("mp4a.40.34" if b"\x6b\x15" in track.record or b"\x69\x15" in track.record else "mp4a.40")
            else:
                names.append(track.entry.decode().lower())
        return names


def u(data, at, size):
    return int.from_bytes(data[at : at + size], "big")


def boxes(data, scan, where):
    """(type, offset, payload) of the boxes in `data`, which they must fill."""
    at = 0
    while at < len(data):
        size = u(data, at, 4)
        if size < 8 or at + size > len(data):
            return scan.fault(f"{where}: a box of {size} bytes at {at} of {len(data)}")
        yield data[at + 4 : at + 8], at, data[at + 8 : at + size]
        at += size
    return None


def tree(data, scan, where):
    """{type: [payload or tree]}, for what has children."""
    found = {}
    for kind, _, payload in boxes(data, scan, where):
        found.setdefault(kind, []).append(tree(payload, scan, where) if kind in CONTAINERS else payload)
    return found


def initialization(data, scan):
    kinds = [kind for kind, _, _ in boxes(data, scan, "init")]
    if kinds != [b"ftyp", b"moov"]:
        return scan.fault(f"init: {kinds}, not ftyp and moov")
    whole = tree(data, scan, "init")
    brands = whole[b"ftyp"][0]
    if not {brands[:4], *(brands[at : at + 4] for at in range(8, len(brands), 4))} & {b"iso6", b"iso7", b"iso8", b"iso9"}:
        scan.fault(f"init: brands {brands}")
    moov = whole[b"moov"][0]
    if u(moov[b"mvhd"][0], 16, 4):
        scan.fault("init: a duration in mvhd")
    extended = [u(trex, 4, 4) for trex in moov.get(b"mvex", [{}])[0].get(b"trex", [])]
    for trak in moov.get(b"trak", []):
        number = u(trak[b"tkhd"][0], 12, 4)
        mdia = trak[b"mdia"][0]
        table = mdia[b"minf"][0][b"stbl"][0]
        if number not in extended:
            scan.fault(f"init: track {number} has no trex")
        if u(trak[b"tkhd"][0], 20, 4) or u(mdia[b"mdhd"][0], 16, 4):
            scan.fault(f"init: track {number} has a duration")
        if b"edts" in trak:
            scan.fault(f"init: track {number} has an edit list")
        for name, at in ((b"stts", 4), (b"stsc", 4), (b"stsz", 8), (b"stco", 4)):
            if u(table[name][0], at, 4):
                scan.fault(f"init: track {number} has samples in {name.decode()}")
        handler = mdia[b"hdlr"][0][8:12]
        entry, _, payload = next(boxes(table[b"stsd"][0][8:], scan, "init"))
        known, head = (VISUAL, 78) if handler == b"vide" else (AUDIBLE, 28)
        record = next((inner for kind, _, inner in boxes(payload[head:], scan, "init") if kind == known.get(entry)), None)
        if record is None:
            scan.fault(f"init: track {number}: {entry} without its configuration")
        scan.tracks[number] = Track(handler, entry, record or b"", u(mdia[b"mdhd"][0], 12, 4))
    return None


def can_start(track, data, sync):
    """True for a picture before which nothing is needed, also for what follows it: no open group of pictures."""
    if not sync or track.entry not in (b"avc1", b"hvc1", b"dvh1"):
        return sync
    at, size = 0, (track.record[4 if track.entry == b"avc1" else 21] & 3) + 1
    while at + size < len(data):
        kind = data[at + size] & 31 if track.entry == b"avc1" else data[at + size] >> 1 & 63
        if kind == 5 if track.entry == b"avc1" else 16 <= kind <= 20:
            return True
        at += size + u(data, at, size)
    return False


def fragment(index, data, scan):
    where = f"segment {index}"
    parts = list(boxes(data, scan, where))
    if [kind for kind, _, _ in parts] != [b"styp", b"moof", b"mdat"]:
        return scan.fault(f"{where}: {[kind for kind, _, _ in parts]}, not styp, moof and mdat")
    moof_at, mdat_at = parts[1][1], parts[2][1] + 8
    moof = tree(parts[1][2], scan, where)
    if u(moof[b"mfhd"][0], 4, 4) != index + 1:
        scan.fault(f"{where}: sequence number {u(moof[b'mfhd'][0], 4, 4)}")
    used = []
    for traf in moof.get(b"traf", []):
        tfhd, tfdt, run = traf[b"tfhd"][0], traf[b"tfdt"][0], traf[b"trun"][0]
        number = u(tfhd, 4, 4)
        track = scan.tracks.get(number)
        if track is None or len(traf[b"trun"]) != 1:
            return scan.fault(f"{where}: track {number} with {len(traf[b'trun'])} runs")
        if u(tfhd, 1, 3) != 0x020000 or tfdt[0] != 1 or run[0] != 1:
            scan.fault(f"{where}: flags {tfhd[:4].hex()}, tfdt version {tfdt[0]}, trun version {run[0]}")
        samples(index, where, track, u(tfdt, 4, 8), run, data, moof_at, used, scan)
    used.sort()
    if used and (used[0][0] != mdat_at or used[-1][1] != len(data) or any(a[1] != b[0] for a, b in zip(used, used[1:]))):
        scan.fault(f"{where}: samples do not fill mdat")
    return None


def samples(index, where, track, time, run, data, moof_at, used, scan):
    flags, count, offset = u(run, 1, 3), u(run, 4, 4), u(run, 8, 4)
    video, width = track.kind == b"vide", 16 if track.kind == b"vide" else 8
    if flags != (0xF01 if video else 0x301) or len(run) != 12 + count * width:
        return scan.fault(f"{where}: a run of {count} samples with flags {flags:#x} in {len(run)} bytes")
    if track.end is not None and count:
        if time <= track.end - track.last:
            scan.fault(f"{where}: decoding goes back from {track.end} to {time} ({track.entry.decode()})")
        # The last picture of a segment may be told to last as long as the one before.
        if video and abs(time - track.end) > max(track.last / 2, 1):
            scan.fault(f"{where}: decoding goes on at {time}, not at {track.end}")
    start = at = moof_at + offset
    ticks = 90000 / track.scale
    for number in range(count):
        row = 12 + number * width
        length, size = u(run, row, 4), u(run, row + 4, 4)
        sample = data[at : at + size]
        if not length or not size:
            scan.fault(f"{where}: sample {number} of {length} ticks and {size} bytes")
        if video:
            sync = not run[row + 9] & 1
            shown = time + int.from_bytes(run[row + 12 : row + 16], "big", signed=True)
            if shown < time:
                scan.fault(f"{where}: a composition offset below 0, which moves pictures in players made of FFmpeg")
            if number == 0 and not sync:
                scan.fault(f"{where}: does not begin with a sync sample")
            scan.video.append(Unit(index, shown * ticks, time * ticks, sample, can_start(track, sample, sync)))
        else:
            scan.audio.append(Unit(index, time * ticks, time * ticks, sample, True))
            scan.frames.append(AudioFrame(index, time * ticks, sample, length, track.scale))
        track.last = length
        time, at = time + length, at + size
    track.end = time
    used.append((start, at))
    return None


def scan(init, segments):
    found = Scan()
    try:
        initialization(init, found)
        for index, data in enumerate(segments):
            fragment(index, data, found)
    except (KeyError, IndexError, StopIteration) as error:
        found.fault(f"a box is missing: {error!r}")
    return found
