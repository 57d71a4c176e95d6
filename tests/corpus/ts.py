"""A strict scan of MPEG-TS segments (ISO/IEC 13818-1), as HLS clients need them: every packet of every segment, and the joints between segments.

`scan(segments)` takes the segments' bytes in playlist order and returns a Scan: what it found (access units, audio frames, in ticks of 90 kHz) and every fault.
It shares no code with the muxer it judges.
"""

from dataclasses import dataclass, field

PACKET = 188
WRAP = 1 << 33
AUDIO_TYPES = {0x0F: "aac", 0x03: "mp3", 0x04: "mp3"}
VIDEO_TYPES = {0x1B: "h264"}
AAC_RATES = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350]
MP3_RATES = {3: [44100, 48000, 32000], 2: [22050, 24000, 16000], 0: [11025, 12000, 8000]}
MP3_KBPS = {
    True: [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    False: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
}


@dataclass
class Unit:
    """One PES packet: an access unit of video, or a group of audio frames."""

    segment: int
    pts: int
    dts: int
    data: bytes
    random_access: bool
    pcr: int | None
    keyframe: bool = False


@dataclass
class AudioFrame:
    segment: int
    pts: float
    data: bytes
    samples: int
    rate: int
    stamped: bool  # the first frame of its PES packet: the PTS is its own


@dataclass
class Scan:
    faults: list[str] = field(default_factory=list)
    kinds: dict[int, str] = field(default_factory=dict)  # PID -> h264, aac, mp3
    video: list[Unit] = field(default_factory=list)
    audio: list[Unit] = field(default_factory=list)
    frames: list[AudioFrame] = field(default_factory=list)
    sps: bytes | None = None

    def fault(self, text):
        if len(self.faults) < 40:
            self.faults.append(text)


def crc32_mpeg(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = ((crc << 1) ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1) & 0xFFFFFFFF
    return crc


class Clock:
    """Unwraps 33-bit stamps."""

    def __init__(self):
        self.last = None

    def __call__(self, value):
        if self.last is not None:
            value += round((self.last - value) / WRAP) * WRAP
        self.last = value
        return value


def section(payload, table_id, scan, where):
    start = 1 + payload[0]
    body = payload[start:]
    length = ((body[1] & 0x0F) << 8 | body[2]) + 3
    if body[0] != table_id or length > len(body):
        scan.fault(f"{where}: no section of table {table_id:#x}")
        return None
    if crc32_mpeg(body[:length]) != 0:
        scan.fault(f"{where}: wrong CRC")
    if any(byte != 0xFF for byte in body[length:]):
        scan.fault(f"{where}: what follows the section is not stuffing")
    return body[8 : length - 4]


class Scanner:
    def __init__(self):
        self.scan = Scan()
        self.counters = {}
        self.psi = {}
        self.pmt_pid = None
        self.pcr_pid = None
        self.open = {}  # PID -> [segment, payload so far, random access, pcr]
        self.clocks = {}
        self.pcr_clock = Clock()
        self.pcrs = []  # (pcr in 27 MHz, segment)

    def packet(self, segment, number, packet):
        scan, where = self.scan, f"segment {segment} packet {number}"
        if packet[0] != 0x47:
            return scan.fault(f"{where}: no sync byte")
        pid = (packet[1] & 0x1F) << 8 | packet[2]
        start, control, counter = bool(packet[1] & 0x40), packet[3] >> 4 & 3, packet[3] & 15
        if packet[1] & 0x80 or packet[3] & 0xC0:
            scan.fault(f"{where}: transport error or scrambling bits")
        if control == 0:
            return scan.fault(f"{where}: reserved adaptation_field_control")
        at, random_access, pcr = 4, False, None
        if control & 2:
            length = packet[4]
            at = 5 + length
            if (control == 2 and length != 183) or (control == 3 and length > 182):
                scan.fault(f"{where}: adaptation field of {length} bytes with control {control}")
                return None
            if length:
                flags, field_at = packet[5], 6
                random_access = bool(flags & 0x40)
                if flags & 0x80:
                    scan.fault(f"{where}: discontinuity_indicator")
                if flags & 0x10:
                    base = int.from_bytes(packet[6:10], "big") << 1 | packet[10] >> 7
                    pcr = self.pcr_clock(base) * 300 + ((packet[10] & 1) << 8 | packet[11])
                    field_at += 6
                if any(byte != 0xFF for byte in packet[field_at:at]) and not flags & 0x0F:
                    scan.fault(f"{where}: stuffing is not FF")
        payload = packet[at:]
        before = self.counters.get(pid)
        if before is not None:
            expected = (before + 1) & 15 if control & 1 else before
            if counter != expected:
                scan.fault(f"{where}: PID {pid} continuity counter {counter}, expected {expected}")
        self.counters[pid] = counter
        if number == 0 and pid != 0:
            scan.fault(f"{where}: PID {pid} where the PAT belongs")
        if number == 1 and pid != self.pmt_pid:
            scan.fault(f"{where}: PID {pid} where the PMT belongs")
        if pcr is not None:
            if pid != self.pcr_pid:
                scan.fault(f"{where}: a PCR on PID {pid}, not {self.pcr_pid}")
            self.pcrs.append((pcr, segment))
        if pid == 0:
            self.table(segment, where, payload, 0x00)
        elif pid == self.pmt_pid:
            self.table(segment, where, payload, 0x02)
        elif pid in scan.kinds:
            if start:
                self.close(pid)
                self.open[pid] = [segment, bytearray(payload), random_access, pcr]
            elif pid not in self.open:
                scan.fault(f"{where}: PID {pid} goes on with a PES packet that never began in this segment")
            else:
                self.open[pid][1] += payload
        elif pid != 0x1FFF:
            scan.fault(f"{where}: PID {pid} is in no table")
        return None

    def table(self, segment, where, payload, table_id):
        if self.psi.setdefault(table_id, payload) != payload:
            self.scan.fault(f"{where}: table {table_id} differs from that of the first segment")
        body = section(payload, table_id, self.scan, where)
        if body is None:
            return
        if table_id == 0:
            self.pmt_pid = (body[2] & 0x1F) << 8 | body[3]
            if len(body) != 4:
                self.scan.fault(f"{where}: the PAT names more than one programme")
            return
        self.pcr_pid = (body[0] & 0x1F) << 8 | body[1]
        at = 4 + ((body[2] & 0x0F) << 8 | body[3])
        while at < len(body):
            kind, pid = body[at], (body[at + 1] & 0x1F) << 8 | body[at + 2]
            at += 5 + ((body[at + 3] & 0x0F) << 8 | body[at + 4])
            self.scan.kinds[pid] = VIDEO_TYPES.get(kind) or AUDIO_TYPES.get(kind) or f"{kind:#x}"

    def close(self, pid):
        held = self.open.pop(pid, None)
        if held is None:
            return
        segment, data, random_access, pcr = held
        scan, where = self.scan, f"segment {segment} PID {pid}"
        if data[:3] != b"\0\0\1" or len(data) < 14:
            return scan.fault(f"{where}: no PES start code")
        video = scan.kinds[pid] == "h264"
        if not (0xE0 <= data[3] <= 0xEF if video else 0xC0 <= data[3] <= 0xDF):
            scan.fault(f"{where}: stream_id {data[3]:#x}")
        length = int.from_bytes(data[4:6], "big")
        if length != len(data) - 6 and not (video and length == 0):
            scan.fault(f"{where}: PES_packet_length {length}, but {len(data) - 6} bytes came")
        if data[6] & 0xC0 != 0x80 or not data[7] & 0x80:
            return scan.fault(f"{where}: PES header without PTS")

        def stamp(at):
            raw = data[at : at + 5]
            if not (raw[0] & raw[2] & raw[4] & 1):
                scan.fault(f"{where}: marker bits of a stamp")
            return (raw[0] >> 1 & 7) << 30 | int.from_bytes(raw[1:3], "big") >> 1 << 15 | int.from_bytes(raw[3:5], "big") >> 1

        pts = stamp(9)
        dts = stamp(14) if data[7] & 0x40 else pts
        clock = self.clocks.setdefault(pid, Clock())
        pts += round((clock(dts) - dts) / WRAP) * WRAP
        dts = clock.last
        pts += round((dts - pts) / WRAP) * WRAP
        unit = Unit(segment, pts, dts, bytes(data[9 + data[8] :]), random_access, pcr)
        if pts < dts:
            scan.fault(f"{where}: PTS {pts} before DTS {dts}")
        if pcr is not None and pcr >= dts * 300:
            scan.fault(f"{where}: PCR {pcr / 27e6:.3f} s not before DTS {dts / 9e4:.3f} s")
        units = scan.video if video else scan.audio
        if units and dts <= units[-1].dts:
            scan.fault(f"{where}: DTS {dts} after {units[-1].dts}")
        if video:
            self.access_unit(unit, where, not units or units[-1].segment != segment)
        else:
            self.audio_frames(unit, where, scan.kinds[pid])
        units.append(unit)
        return None

    def access_unit(self, unit, where, first):
        nals = nal_units(unit.data)
        types = [nal[0] & 31 for nal in nals if nal]
        unit.keyframe = 5 in types
        if not types or types[0] != 9:
            self.scan.fault(f"{where}: access unit at {unit.pts} does not begin with an AUD but with {types[:3]}")
        if types.count(9) > 1:
            self.scan.fault(f"{where}: {types.count(9)} AUDs in the access unit at {unit.pts}")
        if not any(kind in (1, 2, 5) for kind in types):
            self.scan.fault(f"{where}: no slice in the access unit at {unit.pts}")
        if not first:
            return
        slices = [i for i, kind in enumerate(types) if kind in (1, 2, 5)]
        head = types[: slices[0]] if slices else types
        if 7 not in head or 8 not in head:
            self.scan.fault(f"{where}: no SPS and PPS before the first picture: {types}")
        if not unit.keyframe and 6 not in head:
            self.scan.fault(f"{where}: begins with neither an IDR picture nor a recovery point: {types}")
        if not unit.random_access:
            self.scan.fault(f"{where}: first access unit without random_access_indicator")
        if unit.pcr is None and self.pcr_pid == next(p for p, k in self.scan.kinds.items() if k == "h264"):
            self.scan.fault(f"{where}: first access unit without PCR")
        if self.scan.sps is None:
            self.scan.sps = next((nal for nal in nals if nal and nal[0] & 31 == 7), None)

    def audio_frames(self, unit, where, kind):
        at, pts = 0, float(unit.pts)
        while at < len(unit.data):
            head = unit.data[at : at + 7]
            parsed = (adts if kind == "aac" else mpeg_audio)(head)
            if parsed is None or at + parsed[1] > len(unit.data):
                return self.scan.fault(f"{where}: no whole {kind} frame at byte {at} of the PES packet at {unit.pts}")
            header, size, samples, rate = parsed
            self.scan.frames.append(AudioFrame(unit.segment, pts, unit.data[at + header : at + size], samples, rate, at == 0))
            pts += samples * 90000 / rate
            at += size
        return None

    def end_of_segment(self):
        for pid in list(self.open):
            self.close(pid)

    def finish(self):
        stamps = sorted(unit.dts for unit in self.scan.video or self.scan.audio)
        for (before, _), (now, segment) in zip(self.pcrs, self.pcrs[1:]):
            if now <= before:
                self.scan.fault(f"segment {segment}: PCR goes back from {before / 27e6:.3f} to {now / 27e6:.3f} s")
        # A PCR can only be sent with an access unit: a gap is a fault when it is over 100 ms although units were there to carry one.
        steps = [b - a for a, b in zip(stamps, stamps[1:])]
        widest = max(steps, default=0)
        for (before, _), (now, segment) in zip(self.pcrs, self.pcrs[1:]):
            gap = (now - before) / 300
            if gap > 9000 + 1 and gap > widest + 1:
                self.scan.fault(f"segment {segment}: {gap / 90:.0f} ms between two PCRs")
        if not self.pcrs:
            self.scan.fault("no PCR at all")


def nal_units(data):
    """NAL units of an Annex B access unit."""
    nals, at = [], data.find(b"\0\0\1")
    while at >= 0:
        following = data.find(b"\0\0\1", at + 3)
        nals.append(data[at + 3 : following if following >= 0 else len(data)].rstrip(b"\0"))
        at = following
    return nals


def adts(head):
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or head[2] >> 2 & 15 >= len(AAC_RATES):
        return None
    size = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    header = 7 if head[1] & 1 else 9
    return (header, size, 1024 * ((head[6] & 3) + 1), AAC_RATES[head[2] >> 2 & 15]) if size > header else None


def mpeg_audio(head):
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0 or head[1] >> 1 & 3 != 1:
        return None
    version, kbps, rate, padding = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or kbps in (0, 15) or rate == 3:
        return None
    hertz, samples = MP3_RATES[version][rate], 1152 if version == 3 else 576
    return 0, samples // 8 * MP3_KBPS[version == 3][kbps] * 1000 // hertz + padding, samples, hertz


def scan(segments):
    scanner = Scanner()
    for index, data in enumerate(segments):
        if not data or len(data) % PACKET:
            scanner.scan.fault(f"segment {index}: {len(data)} bytes are no whole packets")
        for number in range(len(data) // PACKET):
            scanner.packet(index, number, data[number * PACKET : (number + 1) * PACKET])
        scanner.end_of_segment()
    scanner.finish()
    return scanner.scan
