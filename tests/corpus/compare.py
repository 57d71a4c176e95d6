"""Compares one HLS presentation on disk with the film it was made of. `check(directory, source)` gives {check name: [faults]} (empty lists: all well)."""

import hashlib
import re
import statistics
from pathlib import Path

import oracle
import playlist
import ts

CHECKS = ("playlist", "ts", "extinf", "video", "audio", "messages", "alone", "probe")
TICK = 1 / 90000


def position(part, whole):
    """Where `part` stands in `whole` as a run, or None."""
    return next((at for at in range(len(whole) - len(part) + 1) if whole[at : at + len(part)] == part), None)


class Comparison:
    def __init__(self, directory, source, probe=None):
        self.directory, self.source, self.probe = Path(directory), Path(source), probe
        self.faults = {name: [] for name in CHECKS}
        self.is_mp4 = "mp4" in oracle.streams(source).get("format", {}).get("format_name", "")
        # Matroska counts in milliseconds, so either side may be off by one. MP4 is exact but for rounding to 90 kHz, once a PES packet.
        self.tolerance = 2 * TICK if self.is_mp4 else 0.001 + 2 * TICK
        self.base = None

    def fault(self, check, text):
        self.faults[check].append(text)

    def ordinal(self, kind):
        """`v:0`, `a:1`...: the track that the program says it plays."""
        if self.probe:
            chosen = self.probe["hls"].get(kind)
            same_kind = [track["id"] for track in self.probe["tracks"] if track["kind"] == kind]
            if chosen in same_kind:
                return f"{kind[0]}:{same_kind.index(chosen)}"
        return f"{kind[0]}:0"

    def run(self):
        try:
            self.segments = playlist.media((self.directory / "playlist.m3u8").read_text())
            variants = playlist.master((self.directory / "master.m3u8").read_text())
        except (playlist.Faulty, OSError) as error:
            self.fault("playlist", str(error))
            return self.faults
        missing = [uri for _, uri in self.segments if not (self.directory / uri).is_file()]
        if missing:
            self.fault("playlist", f"missing: {' '.join(missing[:3])}")
            return self.faults
        self.bytes = [(self.directory / uri).read_bytes() for _, uri in self.segments]
        self.scan = ts.scan(self.bytes)
        for fault in self.scan.faults:
            self.fault("ts", fault)
        whole = self.directory / "whole.ts"
        whole.write_bytes(b"".join(self.bytes))
        try:
            self.variants(variants)
            self.extinf()
            self.video(whole)
            self.audio(whole)
            self.alone()
            if self.probe:
                self.probed()
        finally:
            whole.unlink()
        return self.faults

    def variants(self, variants):
        sps = self.scan.sps
        for attributes, uri in variants:
            if uri != "playlist.m3u8":
                self.fault("playlist", f"the variant names {uri}")
            codecs = attributes["CODECS"].strip('"').split(",")
            wanted = [f"avc1.{sps[1:4].hex()}"] if sps else []
            wanted += ["mp4a.40.34" if "mp3" in self.scan.kinds.values() else "mp4a"] if self.scan.frames else []
            if len(codecs) != len(wanted) or any(not told.lower().startswith(name) for told, name in zip(codecs, wanted)):
                self.fault("playlist", f"CODECS {codecs}, but the segments hold {wanted}")
            target = max(duration for duration, _ in self.segments)
            peak = max(
                (len(data) * 8 / duration for data, (duration, _) in zip(self.bytes, self.segments) if duration >= target / 2),
                default=0,
            )
            # Apple's validator lets a film on demand exceed what it tells by a tenth.
            if peak > int(attributes["BANDWIDTH"]) * 1.1:
                self.fault("playlist", f"BANDWIDTH {attributes['BANDWIDTH']}, but a segment has {peak:.0f} bit/s")

    def extinf(self):
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
        if self.scan.video and self.scan.audio and self.scan.audio[0].segment == 0:
            starts[0] = min(starts[0], self.scan.audio[0].pts * TICK) if self.early_sound() else starts[0]
        end = times[-1] + frame
        if self.scan.frames:
            last = self.scan.frames[-1]
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

    def early_sound(self):
        """True when the film begins with sound alone: the first segment then begins with it. Priming before the first picture is no beginning."""
        return self.scan.video[0].pts - self.scan.audio[0].pts > 4500

    def video(self, whole):
        """Every picture of the source, once, in order, in its place. Under an edit list that begins inside a GOP, or ends before the samples do, the pictures
        around it may be there too: TS cannot hide them."""
        self.source_messages = set()
        if self.probe and self.probe["hls"].get("video") is None and not self.scan.video:
            return None
        stream = self.ordinal("video")
        shown, messages = oracle.decoded_video(self.source, stream=stream)
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
            if bool(packets) != bool(self.scan.frames) and (self.probe is None or self.probe["hls"].get("audio") is not None):
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
        for index, (_, uri) in enumerate(self.segments):
            if not self.scan.video:
                break
            frames, messages = oracle.decoded_video(self.directory / uri)
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
        numbers = [int(found[1]) for _, uri in self.segments if (found := re.fullmatch(r"segment(\d{3,})\.ts", uri))]
        if numbers != list(range(len(self.segments))):
            self.fault("playlist", "segments are not named segment000.ts, segment001.ts, ...")


def check(directory, source, probe=None):
    return Comparison(directory, source, probe).run()
