"""Compares one HLS presentation on disk with the film it was made of: every rendition that the multivariant playlist names, in MPEG-TS or fragmented MP4.
`check(directory, source)` gives {check name: [faults]} (empty lists: all well)."""

import hashlib
import re
import statistics
from pathlib import Path

import fmp4
import oracle
import playlist
import ts

CHECKS = ("playlist", "ts", "fmp4", "extinf", "video", "audio", "messages", "alone", "probe")
TICK = 1 / 90000
MAX_ALONE = 10  # segments that are decoded by themselves, about


def position(part, whole):
    """Where `part` stands in `whole` as a run, or None."""
    return next((at for at in range(len(whole) - len(part) + 1) if whole[at : at + len(part)] == part), None)


class Comparison:
    """One rendition."""

    def __init__(self, directory, source, uri, probe=None, main=None):
        self.directory, self.source, self.uri, self.probe = Path(directory), Path(source), uri, probe
        self.main = main  # the rendition whose cuts and clock are this one's as well
        self.faults = {name: [] for name in CHECKS}
        self.is_mp4 = "mp4" in oracle.streams(source).get("format", {}).get("format_name", "")
        # Matroska counts in milliseconds, so either side may be off by one. MP4 is exact but for rounding to 90 kHz, once a PES packet.
        self.tolerance = 2 * TICK if self.is_mp4 else 0.001 + 2 * TICK
        self.base = None
        self.source_messages = set()

    def fault(self, check, text):
        self.faults[check].append(f"{self.uri}: {text}" if self.main else text)

    def ordinal(self, kind):
        """`v:0`, `a:1`...: the track that the rendition plays, or the program says it plays."""
        if self.probe:
            of_kind = [track["id"] for track in self.probe["tracks"] if track["kind"] == kind]
            # `v1-mp4.m3u8`, `a2-ts.m3u8`: the tracks' numbers in the file; the main rendition is told by the probe.
            named = re.match(r"(?:v(?P<video>\d+))?(?:a(?P<audio>\d+))?-", self.uri)
            chosen = int(named[kind]) if named and named[kind] else self.probe["hls"].get(kind)
            if chosen in of_kind:
                return f"{kind[0]}:{of_kind.index(chosen)}"
        return f"{kind[0]}:0"

    def load(self):
        """Reads the playlist and the segments; false when they cannot be compared."""
        self.scan, self.sounds = None, []
        try:
            self.segments = playlist.media((self.directory / self.uri).read_text())
        except (playlist.Faulty, OSError) as error:
            self.fault("playlist", str(error))
            return False
        missing = [uri for uri in [*(uri for _, uri in self.segments), self.segments.init] if uri and not (self.directory / uri).is_file()]
        if missing:
            self.fault("playlist", f"missing: {' '.join(missing[:3])}")
            return False
        self.bytes = [(self.directory / uri).read_bytes() for _, uri in self.segments]
        self.init = (self.directory / self.segments.init).read_bytes() if self.segments.init else b""
        self.scan = fmp4.scan(self.init, self.bytes) if self.init else ts.scan(self.bytes)
        for fault in self.scan.faults:
            self.fault("fmp4" if self.init else "ts", fault)
        return not (self.init and self.scan.faults)

    def compare(self):
        whole = self.directory / ("whole.mp4" if self.init else "whole.ts")
        whole.write_bytes(self.init + b"".join(self.bytes))
        try:
            self.extinf()
            if self.scan.video or not self.main:
                self.video(whole)
            self.audio(whole)
            self.alone()
            self.names()
            if self.probe and not self.main:
                self.probed()
        finally:
            whole.unlink()

    def codecs(self):
        if self.init:
            return self.scan.codecs()
        wanted = [f"avc1.{self.scan.sps[1:4].hex()}"] if self.scan.sps else []
        return wanted + (["mp4a.40.34" if "mp3" in self.scan.kinds.values() else "mp4a"] if self.scan.frames else [])

    def peak(self):
        target = max(duration for duration, _ in self.segments)
        rates = (len(data) * 8 / duration for data, (duration, _) in zip(self.bytes, self.segments) if duration >= target / 2)
        return max(rates, default=0)

    def extinf(self):
        if self.main:
            if [duration for duration, _ in self.segments] != [duration for duration, _ in self.main.segments]:
                self.fault("extinf", "not cut as the main rendition is")
            if not self.scan.video:
                return None
        units = self.scan.video or self.scan.audio
        if not units:
            return self.fault("extinf", "no media in the segments")
        times = sorted(unit.pts * TICK for unit in units)
        steps = [b - a for a, b in zip(times, times[1:])]
        frame = statistics.median(steps) if steps else 0.04
        # A segment begins with its first picture in order of decoding: the key frame that a player jumps to.
        starts = {}
        for unit in units:
            starts.setdefault(unit.segment, unit.pts * TICK)
        if sorted(starts) != list(range(len(self.segments))):
            return self.fault("extinf", f"segments with pictures: {sorted(starts)}, segments in the playlist: {len(self.segments)}")
        end = times[-1] + frame
        # Sound may begin the presentation and end it, also where it is in renditions of its own.
        for sound in [self, *self.sounds]:
            if self.scan.video and sound.scan.audio and sound.scan.audio[0].segment == 0 and self.is_early(sound.scan.audio[0]):
                starts[0] = min(starts[0], sound.scan.audio[0].pts * TICK)
            if sound.scan.frames:
                last = sound.scan.frames[-1]
                end = max(end, last.pts * TICK + last.samples / last.rate)
        edges = [starts[i] for i in range(len(self.segments))] + [end]
        for index, (duration, uri) in enumerate(self.segments):
            real, slack = edges[index + 1] - edges[index], frame + 0.001
            if index == len(self.segments) - 1:
                slack = max(frame, steps[-1] if steps else 0) + 0.001
            if abs(duration - real) > slack:
                self.fault("extinf", f"{uri}: EXTINF {duration:.3f}, really {real:.3f}")
        total, real = sum(duration for duration, _ in self.segments), edges[-1] - edges[0]
        if abs(total - real) > max(frame, steps[-1] if steps else 0) + 0.001:
            self.fault("extinf", f"all EXTINF {total:.3f}, really {real:.3f}")
        return None

    def is_early(self, sound):
        """True when the film begins with sound alone: the first segment then begins with it. Priming before the first picture is no beginning."""
        return self.scan.video[0].pts - sound.pts > 4500

    def video(self, whole):
        """Every picture of the source, once, in order, in its place. Under an edit list that begins inside a GOP, or ends before the samples do, the pictures
        around it may be there too: TS cannot hide them."""
        if self.probe and self.probe["hls"].get("video") is None and not self.scan.video:
            return None
        stream = self.ordinal("video")
        shown, messages = oracle.source_video(self.source, stream)
        made, new_messages = oracle.decoded_video(whole)
        self.source_messages = messages
        strange = new_messages - messages
        if strange:
            self.fault("messages", f"ffmpeg: {sorted(strange)[:3]}")
        if not shown:
            return self.fault("video", "the source decodes to nothing")
        if len(made) < len(shown):
            digests = {frame.digest for frame in made}
            lost = next((frame.time for frame in shown if frame.digest not in digests), None)
            return self.fault("video", f"{len(made)} pictures of {len(shown)}; first one lost at {lost}")
        wanted = [frame.digest for frame in shown]
        for skip in range(len(made) - len(shown) + 1):
            part = made[skip : skip + len(shown)]
            if [frame.digest for frame in part] == wanted:
                break
        else:
            part = made[len(made) - len(shown) :]
            odd = next(i for i, (frame, digest) in enumerate(zip(part, wanted)) if frame.digest != digest)
            return self.fault("video", f"picture {odd} of {len(shown)} at {shown[odd].time:.3f} s differs ({len(made)} made)")
        if len(made) > len(shown):
            every = [frame.digest for frame in oracle.decoded_video(self.source, "-ignore_editlist", "1", stream=stream)[0]] if self.is_mp4 else []
            digests = [frame.digest for frame in made]
            if position(digests, every) is None:
                return self.fault("video", f"{len(made)} pictures of {len(shown)}: some are in no place of the source")
        self.base = statistics.median(new.time - old.time for new, old in zip(part, shown))
        for new, old in zip(part, shown):
            if abs(new.time - old.time - self.base) > self.tolerance:
                return self.fault("video", f"picture of {old.time:.4f} s is {(new.time - old.time - self.base) * 1000:.2f} ms off")
        return None

    def audio(self, whole):
        """The very frames of the source's track, in order, each at its time on the video's clock; and what they decode to."""
        stream = self.ordinal("audio")
        packets = oracle.packets(self.source, stream)
        if not packets or not self.scan.frames:
            # The picture may be by itself, and its sound in another rendition.
            separate = self.scan.video and self.init and len(self.scan.tracks) == 1
            if bool(packets) != bool(self.scan.frames) and not separate and (self.probe is None or self.probe["hls"].get("audio") is not None):
                self.fault("audio", f"{len(packets)} packets in the source, {len(self.scan.frames)} frames in the segments")
            return None
        wanted = [packet["data_hash"].removeprefix("MD5:") for packet in packets]
        made = [hashlib.md5(frame.data).hexdigest() for frame in self.scan.frames]
        heard = [i for i, packet in enumerate(packets) if "D" not in packet["flags"]]
        offset = position(made, wanted)  # of the first frame made among those wanted
        if offset is None and (at := position(wanted, made)) is not None:
            # More than the edit list lets through: the frames around it must be the track's own.
            every = [packet["data_hash"].removeprefix("MD5:") for packet in oracle.packets(self.source, stream, "-ignore_editlist", "1")] if self.is_mp4 else []
            offset = None if position(made, every) is None else -at
        if offset is None:
            odd = next((i for i, (a, b) in enumerate(zip(wanted, made)) if a != b), min(len(wanted), len(made)))
            return self.fault("audio", f"frame {odd} of {len(wanted)} differs ({len(made)} made)")
        skip, frames = max(offset, 0), self.scan.frames[max(-offset, 0) :]
        if heard and (skip > heard[0] or skip + len(frames) <= heard[-1]):
            return self.fault("audio", f"only frames {skip} to {skip + len(frames)} of {len(wanted)}")
        if self.base is None and not self.scan.video:
            self.base = frames[0].pts * TICK - float(packets[skip]["pts_time"])
        place = None
        for frame, packet in zip(frames, packets[skip:]):
            if self.base is None or "pts_time" not in packet:
                continue
            off = frame.pts * TICK - float(packet["pts_time"]) - self.base
            # In a Matroska lace only the first frame has a time of its own; ffprobe adds rounded milliseconds for the others.
            laced = not self.is_mp4 and packet.get("pos") == place
            place = packet.get("pos")
            # Within a PES packet frames follow each other at their own pace, a quarter of a frame off at most; a wider step needs a stamp of its own.
            pace = frame.samples / frame.rate / 4
            if abs(off) > (0.006 if laced else 0.001 + 2 * TICK if frame.stamped else pace):
                return self.fault("audio", f"frame of {packet['pts_time']} s is {off * 1000:.2f} ms off")
        options = ("-ignore_editlist", "1") if self.is_mp4 else ()
        old, messages = oracle.decoded_audio(self.source, *options, stream=stream)
        new, new_messages = oracle.decoded_audio(whole)
        if new_messages - messages:
            self.fault("messages", f"ffmpeg, sound: {sorted(new_messages - messages)[:3]}")
        self.source_messages |= messages
        if len(new) != len(made):
            return self.fault("audio", f"{len(made)} frames decode to {len(new)}")
        # With the first frames left out the decoder starts elsewhere: its first two frames of sound may differ.
        if new != old and position(new[2:], old) is None:
            self.fault("audio", f"decoded sound differs: {len(old)} frames of the source, {len(new)} of the segments")
        return None

    def alone(self):
        first = {}
        counts = [0] * len(self.segments)
        for unit in self.scan.video:
            first.setdefault(unit.segment, unit)
            counts[unit.segment] += 1
        # All of a short film; of a long one some of each part and the last, for every segment is in the whole already.
        step = max(1, len(self.segments) // MAX_ALONE)
        for index, (_, uri) in enumerate(self.segments):
            if not self.scan.video:
                break
            if index % step and index != len(self.segments) - 1:
                continue
            piece = self.directory / uri
            if self.init:
                piece = self.directory / "alone.mp4"
                piece.write_bytes(self.init + self.bytes[index])
            frames, messages = oracle.decoded_video(piece)
            if self.init:
                piece.unlink()
            open_gop = index in first and not first[index].keyframe
            if messages - self.source_messages and not open_gop:
                self.fault("alone", f"{uri}: {sorted(messages - self.source_messages)[:2]}")
            if not frames:
                self.fault("alone", f"{uri} alone decodes to nothing")
            elif not open_gop and not self.source_messages and len(frames) != counts[index]:
                self.fault("alone", f"{uri} alone decodes to {len(frames)} of {counts[index]} pictures")

    def probed(self):
        told = self.probe["hls"].get("segments", [])
        if [round(segment["duration"], 2) for segment in told] != [round(duration, 2) for duration, _ in self.segments]:
            self.fault("probe", f"probe tells {len(told)} segments, the playlist {len(self.segments)}, or their lengths differ")
        starts = [segment["start"] for segment in told]
        if starts != sorted(starts):
            self.fault("probe", "starts go back")

    def names(self):
        numbers = [int(found[1]) for _, uri in self.segments if (found := re.fullmatch(r"(?:segment|[va\d]+-)(\d{3,})\.(?:ts|m4s)", uri))]
        if numbers != list(range(len(self.segments))):
            self.fault("playlist", "segments are not numbered 000, 001, ...")


def subtitles(directory, uri, main):
    """Faults of a subtitle playlist; what is in it is compared elsewhere."""
    try:
        segments = playlist.media((directory / uri).read_text())
    except (playlist.Faulty, OSError) as error:
        return [f"{uri}: {error}"]
    faults = [f"missing: {name}" for _, name in segments if not (directory / name).is_file()]
    faults += [f"{name}: not WebVTT" for _, name in segments if (directory / name).is_file() and not (directory / name).read_bytes().startswith(b"WEBVTT\n")]
    if abs(sum(duration for duration, _ in segments) - sum(duration for duration, _ in main.segments)) > 0.01:
        faults.append(f"{uri}: not as long as the main rendition")
    return faults


def variant_faults(variants, renditions, compared):
    """What the multivariant playlist tells of its variants against what their renditions hold."""
    for attributes, uri in variants:
        sounds = [r["URI"].strip('"') for r in renditions if r["TYPE"] == "AUDIO" and r["GROUP-ID"] == attributes.get("AUDIO") and "URI" in r]
        parts = [compared[name] for name in [uri, *sounds] if name in compared]
        told = attributes["CODECS"].strip('"').lower().split(",")
        held = [codec for part in parts for codec in part.codecs()]
        strange = [codec for codec in held if not any(name.startswith(codec) for name in told)]
        strange += [name for name in told if not any(name.startswith(codec) for codec in held)]
        if strange:
            yield f"{uri}: CODECS {told}, but the segments hold {held}"
        peak = max((part.peak() for part in parts if part.scan.video), default=0)
        peak += max((part.peak() for part in parts if not part.scan.video), default=0)
        # Apple's validator lets a film on demand exceed what it tells by a tenth.
        if peak > int(attributes["BANDWIDTH"]) * 1.1:
            yield f"{uri}: BANDWIDTH {attributes['BANDWIDTH']}, but segments have {peak:.0f} bit/s"


def check(directory, source, probe=None):
    """{check name: [faults]}"""
    directory = Path(directory)
    faults = {name: [] for name in CHECKS}
    try:
        variants, renditions = playlist.master((directory / "master.m3u8").read_text())
    except (playlist.Faulty, OSError) as error:
        faults["playlist"].append(str(error))
        return faults
    uris = [uri for _, uri in variants] + [r["URI"].strip('"') for r in renditions if r["TYPE"] == "AUDIO" and "URI" in r]
    main = Comparison(directory, source, uris[0], probe)
    compared = {main.uri: main}
    for uri in [uri for uri in uris if uri != main.uri]:
        compared.setdefault(uri, Comparison(directory, source, uri, probe, main))
    whole = [comparison.load() for comparison in compared.values()]
    if all(whole):
        main.sounds = [comparison for comparison in compared.values() if comparison.scan.frames and not comparison.scan.video]
        for comparison in compared.values():
            comparison.base = main.base
            comparison.compare()
    for comparison in compared.values():
        for name, found in comparison.faults.items():
            faults[name] += found
    if all(whole):
        faults["playlist"] += variant_faults(variants, renditions, compared)
        for rendition in renditions:
            if rendition["TYPE"] == "SUBTITLES" and "URI" in rendition:
                faults["playlist"] += subtitles(directory, rendition["URI"].strip('"'), main)
    return faults
