"""Shows that the checks see what they are there for: a good presentation made by ffmpeg passes; the same one, damaged in a dozen ways, must not.

    selftest.py [--binary target/release/torrentstream] FILM...

With --binary, a presentation in fragmented MP4 that the program makes is damaged likewise: ffmpeg's own has other boxes than the checks ask for.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import ts
from compare import check
from ts import PACKET


def present(source, directory):
    """ffmpeg's own HLS, without its SDT (PID 17)."""
    subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-i", str(source), "-map", "0:v:0", "-map", "0:a:0?", "-c", "copy", "-f", "hls", "-hls_time", "4", "-hls_list_size", "0",
         "-hls_playlist_type", "vod", "-hls_flags", "independent_segments",
         "-hls_segment_filename", str(directory / "segment%03d.ts"), str(directory / "playlist.m3u8")],
        check=True,
    )  # fmt: skip
    for path in directory.glob("*.ts"):
        data = path.read_bytes()
        packets = (data[at : at + PACKET] for at in range(0, len(data), PACKET))
        path.write_bytes(b"".join(packet for packet in packets if (packet[1] & 0x1F) << 8 | packet[2] != 17))
    scan = ts.scan([path.read_bytes() for path in sorted(directory.glob("*.ts"))])
    # ffmpeg ends the last EXTINF with the last packet's start.
    end = max(max(unit.pts + 3754 for unit in scan.video), max((frame.pts + frame.samples * 90000 / frame.rate for frame in scan.frames), default=0))
    start = next(unit.pts for unit in scan.video if unit.segment == scan.video[-1].segment)
    media = directory / "playlist.m3u8"
    head, _, tail = media.read_text().rpartition("#EXTINF:")
    media.write_text(f"{head}#EXTINF:{(end - start) / 90000:.6f},{tail.partition(',')[2]}")
    codecs = f"avc1.{scan.sps[1:4].hex()}" + (",mp4a.40.2" if scan.frames else "")
    (directory / "master.m3u8").write_text(f'#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=90000000,CODECS="{codecs}"\nplaylist.m3u8\n')


def segment(directory, index):
    return directory / f"segment{index:03d}.ts"


def edit(directory, index, change):
    data = bytearray(segment(directory, index).read_bytes())
    segment(directory, index).write_bytes(change(data) or data)


def pid_packet(data, pid, nth):
    found = [at for at in range(0, len(data), PACKET) if (data[at + 1] & 0x1F) << 8 | data[at + 2] == pid]
    return found[nth]


def drop_segment(directory):
    lines = (directory / "playlist.m3u8").read_text().split("\n")
    at = lines.index("segment001.ts")
    (directory / "playlist.m3u8").write_text("\n".join(lines[: at - 1] + lines[at + 1 :]))


def swap_segments(directory):
    a, b = segment(directory, 0).read_bytes(), segment(directory, 1).read_bytes()
    segment(directory, 0).write_bytes(b)
    segment(directory, 1).write_bytes(a)


def flip_counter(data):
    data[pid_packet(data, 256, 5) + 3] ^= 1


def drop_packet(data):
    at = pid_packet(data, 256, 6)
    return data[:at] + data[at + PACKET :]


def repeat_packet(data):
    at = pid_packet(data, 257, 2)
    return data[: at + PACKET] + data[at:]


def flip_bit_of_picture(data):
    data[pid_packet(data, 256, 2) + PACKET - 1] ^= 0x10


def flip_bit_of_sound(data):
    data[pid_packet(data, 257, 3) + 150] ^= 0x10


def shift_sound(data):
    """Every PTS of the sound 40 ms later: lips out of step, all else in order."""
    for at in range(0, len(data), PACKET):
        if (data[at + 1] & 0x1F) << 8 | data[at + 2] == 257 and data[at + 1] & 0x40:
            start = at + 4 + (1 + data[at + 4] if data[at + 3] & 0x20 else 0) + 9
            raw = data[start : start + 5]
            pts = (raw[0] >> 1 & 7) << 30 | (raw[1] << 7 | raw[2] >> 1) << 15 | raw[3] << 7 | raw[4] >> 1
            pts += 3600
            data[start : start + 5] = bytes([0x21 | pts >> 29 & 0xE, pts >> 22 & 0xFF, 1 | pts >> 14 & 0xFE, pts >> 7 & 0xFF, 1 | pts << 1 & 0xFE])


def wrong_duration(directory):
    path = directory / "playlist.m3u8"
    path.write_text(path.read_text().replace("#EXTINF:4.0", "#EXTINF:3.9", 1))


def truncated(data):
    return data[: len(data) - 3 * PACKET]


def no_pat(data):
    return data[PACKET:]


# What is done, and the check that has to see it.
DAMAGE = {
    "a segment is missing": ("video", drop_segment),
    "two segments are swapped": ("ts", swap_segments),
    "a continuity counter is off": ("ts", lambda d: edit(d, 1, flip_counter)),
    "a packet is lost": ("ts", lambda d: edit(d, 1, drop_packet)),
    "a packet is repeated": ("ts", lambda d: edit(d, 1, repeat_packet)),
    "a bit of a picture is flipped": ("video", lambda d: edit(d, 1, flip_bit_of_picture)),
    "a bit of the sound is flipped": ("audio", lambda d: edit(d, 1, flip_bit_of_sound)),
    "the sound of all segments is 40 ms late": ("audio", lambda d: [edit(d, i, shift_sound) for i in range(len(list(d.glob("*.ts"))))]),
    "an EXTINF is 0.1 s short": ("extinf", wrong_duration),
    "the end of a segment is cut off": ("ts", lambda d: edit(d, 0, truncated)),
    "a segment has no PAT": ("ts", lambda d: edit(d, 2, no_pat)),
    "a playlist has no end": ("playlist", lambda d: (d / "playlist.m3u8").write_text((d / "playlist.m3u8").read_text().replace("#EXT-X-ENDLIST\n", ""))),
}


def of_fmp4(directory, name, change):
    """Changes a file of the presentation: `change` gets its bytes and the offset of a box by its type."""
    path = directory / name
    data = bytearray(path.read_bytes())
    path.write_bytes(change(data, lambda kind: data.index(kind) - 4) or data)


def later(data, at):
    """Decodes all samples of the segment 40 ms of a sound track with 48 kHz later."""
    start = at(b"tfdt") + 12
    data[start : start + 8] = (int.from_bytes(data[start : start + 8], "big") + 1920).to_bytes(8, "big")


def swap_fragments(directory):
    first, second = directory / "v1-000.m4s", directory / "v1-001.m4s"
    held = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(held)


def add(data, at, by):
    data[at : at + 4] = (int.from_bytes(data[at : at + 4], "big", signed=True) + by).to_bytes(4, "big", signed=True)


def flip(data, at, bit=1):
    data[at] ^= bit


def cut_off(data, _):
    return data[:-40]


def all_sound(directory, change):
    for path in directory.glob("a2-*.m4s"):
        of_fmp4(directory, path.name, change)


# The same, of fragmented MP4. Offsets are those from a box's beginning: a run's first sample begins at 20, with its length, size, flags and composition offset.
DAMAGE_OF_FMP4 = {
    "two fragments are swapped": ("fmp4", swap_fragments),
    "a fragment has another number": ("fmp4", lambda d: of_fmp4(d, "v1-001.m4s", lambda data, at: add(data, at(b"mfhd") + 12, 1))),
    "a fragment is decoded 40 ms late": ("fmp4", lambda d: of_fmp4(d, "v1-001.m4s", lambda data, at: add(data, at(b"tfdt") + 16, 3600))),
    "a picture is shown 20 ms late": ("video", lambda d: of_fmp4(d, "v1-001.m4s", lambda data, at: add(data, at(b"trun") + 20 + 16 + 12, 1800))),
    "a composition offset is below 0": ("fmp4", lambda d: of_fmp4(d, "v1-001.m4s", lambda data, at: add(data, at(b"trun") + 20 + 12, -90000))),
    "a key frame is not told": ("fmp4", lambda d: of_fmp4(d, "v1-001.m4s", lambda data, at: flip(data, at(b"trun") + 20 + 9))),
    "a sample's size is off": ("fmp4", lambda d: of_fmp4(d, "v1-001.m4s", lambda data, at: add(data, at(b"trun") + 24, 1))),
    "a bit of a picture is flipped": ("video", lambda d: of_fmp4(d, "v1-001.m4s", lambda data, at: flip(data, at(b"mdat") + 2000))),
    "a bit of the sound is flipped": ("audio", lambda d: of_fmp4(d, "a2-001.m4s", lambda data, at: flip(data, at(b"mdat") + 1000))),
    "the sound of all fragments is 40 ms late": ("audio", lambda d: all_sound(d, later)),
    "the end of a fragment is cut off": ("fmp4", lambda d: of_fmp4(d, "v1-000.m4s", cut_off)),
    "an initialization segment has a duration": ("fmp4", lambda d: of_fmp4(d, "v1-init.mp4", lambda data, at: add(data, at(b"mvhd") + 24, 5))),
    "a decoder's configuration is another": ("playlist", lambda d: of_fmp4(d, "v1-init.mp4", lambda data, at: flip(data, at(b"avcC") + 11))),
    "a sound rendition is cut otherwise": ("extinf", lambda d: of_fmp4(d, "a2-mp4.m3u8", lambda data, _: data.replace(b"#EXTINF:6.0", b"#EXTINF:5.9", 1))),
}


def see(film, good, damages, scratch):
    """Damages a good presentation in all ways; how many of them are not seen, and whether the good one is found good."""
    faults = {name: found for name, found in check(good, film).items() if found}
    print(f"{'FAIL' if faults else 'ok  '} {Path(film).name}: {good.name} is found good {faults or ''}")
    bad = bool(faults)
    for name, (responsible, damage) in damages.items():
        broken = Path(scratch) / "broken"
        shutil.copytree(good, broken)
        damage(broken)
        faults = {check_name: found[0] for check_name, found in check(broken, film).items() if found}
        seen = responsible in faults
        print(f"{'ok  ' if seen else 'FAIL'} {Path(film).name}: {name} -> {faults.get(responsible) or f'NOT SEEN by {responsible}: {faults}'}")
        bad += not seen
        shutil.rmtree(broken)
    return bad


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary")
    parser.add_argument("films", nargs="+")
    arguments = parser.parse_args()
    bad = 0
    for film in arguments.films:
        with tempfile.TemporaryDirectory() as scratch:
            good = Path(scratch) / "what ffmpeg made"
            good.mkdir()
            present(film, good)
            bad += see(film, good, DAMAGE, scratch)
            if arguments.binary:
                good = Path(scratch) / "fragmented MP4"
                subprocess.run([arguments.binary, "remux", "--quiet", "--container", "fmp4", film, "-o", str(good)], check=True, capture_output=True)
                bad += see(film, good, DAMAGE_OF_FMP4, scratch)
    return bad


if __name__ == "__main__":
    sys.exit(min(main(), 1))
