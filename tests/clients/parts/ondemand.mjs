// Only what is watched is fetched. On a fresh instance each: the bytes that came from the swarm until the playlist, until the first segment, and for a seek.
//
// The bound: a player that reads at one place may cause: the bytes it reads, and the look-ahead from the end of what it reads, 32 MiB. A segment request reads its own
// range and that of the next one (prefetch). Opening the file reads its index, and the head while that is found. Each of these is a run of bytes; the bound is the
// union of the runs, rounded outwards to whole pieces, and one piece more for requests that were under way when a read moved.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { check, note } from '../lib/check.mjs';
import { film } from '../lib/film.mjs';
import { sleep, stop } from '../lib/process.mjs';
import { seed } from '../lib/seeder.mjs';
import { add, ask, askPatiently, serve } from '../lib/server.mjs';

const LOOK_AHEAD = 32 << 20;
const SEEK = 160;
const MB = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

export default async function ({ binary, media }) {
  for (const kind of ['mkv', 'mp4']) {
    const source = long(media, kind);
    const size = statSync(source).size;
    const swarm = await seed(source);
    const server = await serve(binary);
    await add(server, swarm);
    const base = `${server.base}/hls/${swarm.infoHash}/0`;
    const fetched = async () => (await ask(`${server.base}/status/${swarm.infoHash}`)).json.bytesFetched;
    /** What was fetched, when nothing more comes. */
    const settled = async () => {
      let [last, since] = [await fetched(), Date.now()];
      const end = Date.now() + 60_000;
      while (Date.now() - since < 3000 && Date.now() < end) {
        await sleep(250);
        const now = await fetched();
        if (now !== last) [last, since] = [now, Date.now()];
      }
      return last;
    };
    const index = indexOf(source, kind, size);
    const packets = placesOf(source);
    note(`${kind}: ${MB(size)} in pieces of 1 MiB, the index is ${index[1] - index[0]} bytes at ${index[0]}`);

    const started = Date.now();
    const playlist = await askPatiently(`${base}/playlist.m3u8`);
    const [untilPlaylist, playlistTook] = [await fetched(), Date.now() - started];
    const durations = [...playlist.text.matchAll(/#EXTINF:([\d.]+)/g)].map((found) => Number(found[1]));
    const starts = durations.map((_, i) => durations.slice(0, i).reduce((sum, duration) => sum + duration, 0));
    const places = starts.map((start, i) => placeOf(packets, start, start + durations[i]));
    const opening = [[0, 1], index];
    const runs = opening.map(([from, to]) => [from, to + LOOK_AHEAD]);
    await judge('until the playlist', untilPlaylist, playlistTook, runs);
    await judge('  and when it has settled', await settled(), null, runs);

    const before = Date.now();
    const first = await askPatiently(`${base}/segment000.ts`, { limit: 120_000 });
    const [untilSegment, segmentTook] = [await fetched(), Date.now() - before];
    check(first.status === 200 && first.bytes.length > 0, `${kind}: first segment`, `${MB(first.bytes.length)} after ${segmentTook} ms, first byte after ${first.firstByte} ms`);
    const reads = (number) => [places[number][0], (places[number + 1] ?? places[number])[1] + LOOK_AHEAD];
    runs.push(reads(0));
    await judge('until the first segment', untilSegment, segmentTook, runs);
    await judge('  and when it has settled', await settled(), null, runs);

    const target = starts.findLastIndex((start) => start <= SEEK);
    const already = await fetched();
    const again = Date.now();
    const far = await askPatiently(`${base}/segment${String(target).padStart(3, '0')}.ts`, { limit: 120_000 });
    const [untilSeek, seekTook] = [await fetched(), Date.now() - again];
    check(far.status === 200 && far.bytes.length > 0, `${kind}: the segment at ${SEEK} s`, `${MB(far.bytes.length)} after ${seekTook} ms, first byte after ${far.firstByte} ms`);
    note(`${kind}: the seek itself fetched ${MB(untilSeek - already)}`);
    runs.push(reads(target));
    await judge('until the segment after a seek', untilSeek, seekTook, runs);
    await judge('  and when it has settled', await settled(), null, runs);
    await stop(server.child);
    await stop(swarm.process);

    async function judge(what, bytes, took, allowed) {
      const bound = union(allowed, swarm.pieceBytes, size) + swarm.pieceBytes;
      check(bytes <= bound, `${kind}: ${what}`, `${MB(bytes)} fetched${took === null ? '' : ` in ${took} ms`}, allowed ${MB(bound)} of ${MB(size)}`);
    }
  }
}

/** Four times the film, 5 minutes, so that a seek goes well beyond any look-ahead. */
function long(media, kind) {
  const path = join(media, `film-v3-long.${kind}`);
  if (!existsSync(path)) {
    const unfinished = join(media, `unfinished-long-${process.pid}.${kind}`);
    execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-y', '-stream_loop', '3', '-i', film(media, 'mkv'), '-c', 'copy', unfinished]);
    renameSync(unfinished, path);
  }
  return path;
}

/** [from, to) of the moov box, or of everything from the Cues to the end. */
function indexOf(path, kind, size) {
  const bytes = readFileSync(path);
  if (kind === 'mkv') return [bytes.lastIndexOf(Buffer.from('1c53bb6b', 'hex')), size];
  for (let at = 0; at + 16 <= size; ) {
    let length = bytes.readUInt32BE(at);
    if (length === 1) length = Number(bytes.readBigUInt64BE(at + 8));
    if (bytes.toString('latin1', at + 4, at + 8) === 'moov') return [at, at + length];
    at += length;
  }
  throw new Error(`no moov in ${path}`);
}

function placesOf(path) {
  const text = execFileSync('ffprobe', ['-v', 'error', '-show_entries', 'packet=pts_time,pos,size', '-of', 'csv=p=0', path], { maxBuffer: 1 << 28 }).toString();
  return text.trim().split('\n').map((line) => line.split(',')).map(([time, size, pos]) => ({ time: Number(time), from: Number(pos), to: Number(pos) + Number(size) }));
}

/** Where a segment's frames are; a second of sound and reordering on either side belongs to it. */
function placeOf(packets, start, end) {
  const inside = packets.filter((packet) => packet.time >= start - 1 && packet.time < end + 1);
  return [Math.min(...inside.map((packet) => packet.from)), Math.max(...inside.map((packet) => packet.to))];
}

/** Bytes in the union of runs, rounded outwards to pieces, within the file. */
function union(runs, piece, size) {
  const pieces = runs.map(([from, to]) => [Math.floor(from / piece), Math.ceil(Math.min(to, size) / piece)]).sort((a, b) => a[0] - b[0]);
  let [sum, end] = [0, 0];
  for (const [from, to] of pieces) {
    if (to > end) sum += to - Math.max(from, end);
    end = Math.max(end, to);
  }
  return Math.min(sum * piece, Math.ceil(size / piece) * piece);
}
