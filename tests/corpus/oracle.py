"""What ffmpeg and ffprobe say of a file: decoded frames with their stamps, packets, messages. Nothing here knows of the program under test."""

import functools
import json
import re
import subprocess
from dataclasses import dataclass

LIMIT = 600  # seconds for one run


@dataclass(frozen=True)
class Frame:
    time: float  # seconds
    digest: str


def run(command, **options):
    return subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=LIMIT, **options)


def normalised(messages):
    """Messages without addresses, numbers and repetitions, so that those of two files can be compared."""
    found = set()
    for line in messages.decode(errors="replace").splitlines():
        line = re.sub(r"\[([^\]@]*?)\s*@ 0x[0-9a-f]+\]\s*", r"\1: ", line)
        line = re.sub(r"0x[0-9a-f]+|-?\d+", "#", line).strip()
        if line and not line.startswith("Last message repeated") and "Last message repeated" not in line:
            found.add(re.sub(r"^[^:]*: ", "", line))
    return found


def parsed(text):
    """What ffprobe printed; nothing where it broke off."""
    try:
        return json.loads(text or b"{}")
    except json.JSONDecodeError:
        return {}


def packets(path, stream, *options):
    """Packets of a stream (`v:0`, or an absolute index) as ffprobe shows them: time, flags, place in the file and digest of the data."""
    out = run(["ffprobe", "-v", "error", *options, "-select_streams", stream, "-show_data_hash", "md5",
               "-show_entries", "packet=pts_time,flags,data_hash,pos", "-of", "json", str(path)])  # fmt: skip
    return parsed(out.stdout).get("packets", [])


def streams(path):
    out = run(["ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", str(path)])
    return parsed(out.stdout)


def decoded_video(path, *options, stream="v:0"):
    """(frames in order of time, messages): every picture the decoder gives, with its own stamp."""
    out = run(["ffmpeg", "-nostdin", "-hide_banner", "-v", "error", "-copyts", "-noautorotate", *options, "-i", str(path), "-map", f"0:{stream}",
               "-vsync", "passthrough", "-enc_time_base", "-1", "-autoscale", "0", "-f", "framemd5", "-"])  # fmt: skip
    return frames_of(out.stdout), normalised(out.stderr)


def decoded_audio(path, *options, stream="a:0"):
    """(digests of the decoded frames, in order; messages). Nothing is trimmed: neither edit lists nor encoder delays apply (skip_manual)."""
    out = run(["ffmpeg", "-nostdin", "-hide_banner", "-v", "error", "-copyts", "-flags2", "+skip_manual", *options, "-i", str(path), "-map", f"0:{stream}",
               "-c:a", "pcm_f32le", "-f", "framemd5", "-"])  # fmt: skip
    return [frame.digest for frame in frames_of(out.stdout, ordered=False)], normalised(out.stderr)


@functools.lru_cache(maxsize=8)
def source_video(path, stream):
    """decoded_video() of a file that does not change: it is compared with several presentations."""
    return decoded_video(path, stream=stream)


def frames_of(text, ordered=True):
    base, frames = {}, []
    for line in text.decode(errors="replace").splitlines():
        if line.startswith("#tb "):
            index, _, value = line[4:].partition(": ")
            numerator, _, denominator = value.partition("/")
            base[int(index)] = int(numerator) / int(denominator)
        elif line and not line.startswith("#"):
            index, _dts, pts, _duration, _size, digest = (part.strip() for part in line.split(",")[:6])
            frames.append(Frame(int(pts) * base[int(index)], digest))
    return sorted(frames, key=lambda frame: frame.time) if ordered else frames
