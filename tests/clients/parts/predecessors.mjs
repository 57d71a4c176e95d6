// The clients of both predecessors, as scripts: the same requests in the same order, with shapes and statuses as they know them.
import { copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { check, equal } from '../lib/check.mjs';
import { freePort, scratch, stop, until } from '../lib/process.mjs';
import { seed } from '../lib/seeder.mjs';
import { ask, post, serve } from '../lib/server.mjs';

export default async function ({ binary, fixtures }) {
  const folder = scratch('films');
  const film = join(folder, 'A film.mkv');
  copyFileSync(join(fixtures, 'mkv-ffmpeg.mkv'), film);
  const swarm = await seed(film, { piece: 32 });
  const server = await serve(binary);
  await first(server, swarm, statSync(film).size);
  await firstFaults(server);
  await stop(server.child);

  const other = await serve(binary);
  await second(other, swarm, film, folder);
  await stop(other.child);
  await stop(swarm.process);
}

/** Predecessor 1: add, poll progress until ready, playlist, prioritize, segments, seek, remove. */
async function first({ base }, swarm, size) {
  const { infoHash, magnet } = swarm;
  const began = Date.now();
  const added = await post(`${base}/add`, { infoHash, magnetURI: magnet });
  equal([added.status, added.json], [200, { message: 'Torrent added successfully', infoHash }], 'POST /add');
  check(Date.now() - began < 1000, 'POST /add answers at once', `${Date.now() - began} ms`);
  const twice = await post(`${base}/add`, { infoHash, magnetURI: magnet });
  equal([twice.status, twice.json], [200, { message: 'Torrent already exists', infoHash }], 'POST /add again');
  const upper = await post(`${base}/add`, { infoHash: infoHash.toUpperCase() });
  equal([upper.status, upper.json], [200, { message: 'Torrent already exists', infoHash }], 'POST /add with the hash in upper case');

  let asked = 0;
  const progress = await until('progress is ready', 60_000, async () => {
    asked++;
    const got = await ask(`${base}/progress/${infoHash}/0`);
    if (got.status !== 200) throw new Error(`${got.status} ${got.text}`);
    return got.json.ready && got.json.percent_by_bytes_estimated > 0 && got.json.percent_by_pieces > 0 && got.json;
  }, 2000);
  check(true, 'GET /progress becomes ready', `after ${asked} requests`);
  types(progress, {
    ready: 'boolean', file_path: 'string', completed_bytes_estimated: 'number', length_bytes: 'number', percent_by_bytes_estimated: 'number',
    completed_pieces_in_file_range: 'number', total_pieces_in_file_range: 'number', percent_by_pieces: 'number', download_speed_bytes_per_sec: 'number', duration: 'number',
  }, 'GET /progress');
  equal([progress.file_path, progress.length_bytes], ['A film.mkv', size], 'GET /progress: which file');
  check(Math.abs(progress.duration - 12) < 0.1, 'GET /progress: duration', progress.duration);

  const status = (await ask(`${base}/status/${infoHash}`)).json;
  types(status, { infoHash: 'string', state: 'string', name: 'string', length: 'number', files: 'object', bytesCompleted: 'number', percentCompleted: 'number' }, 'GET /status');
  equal(status.files, [{ path: 'A film.mkv', length: size, offset: 0 }], 'GET /status: files');
  check(['downloading', 'seeding', 'completed'].includes(status.state), 'GET /status: state', status.state);
  check((await ask(`${base}/torrents`)).json.some((torrent) => torrent.infoHash === infoHash), 'GET /torrents');

  const hls = `${base}/hls/${infoHash}/0`;
  const playlist = await ask(`${hls}/playlist.m3u8`, { headers: { origin: 'http://elsewhere.example' } });
  equal([playlist.status, playlist.headers['content-type'], playlist.headers['content-disposition'], playlist.headers['access-control-allow-origin']],
    [200, 'application/vnd.apple.mpegurl', 'inline', '*'], 'GET playlist.m3u8');
  const names = playlist.text.split('\n').filter((line) => line && !line.startsWith('#'));
  equal(names[0], 'segment000.ts', 'first segment');
  check(/#EXT-X-ENDLIST/.test(playlist.text), 'the playlist is whole from the first request');

  const sought = await post(`${base}/prioritize`, { infoHash, fileIdx: 0, percentage: 50 });
  types(sought.json, { message: 'string', seekPositionBytes: 'number', seekPositionPiece: 'number', startPriority: 'number', endPriority: 'number' }, 'POST /prioritize');
  equal([sought.status, sought.json.seekPositionBytes, sought.json.seekPositionPiece], [200, Math.floor(size / 2), Math.floor(size / 2 / swarm.pieceBytes)], 'POST /prioritize: where');
  const end = await post(`${base}/prioritize`, { infoHash, fileIdx: 0, percentage: 99.9 });
  types(end.json, { message: 'string', ignored: 'boolean', seekPositionPiece: 'number', percentage: 'number' }, 'POST /prioritize at the end');
  equal([end.status, end.json.ignored, end.json.percentage], [200, true, 99.9], 'POST /prioritize at the end: ignored');

  for (const name of names) {
    const segment = await ask(`${hls}/${name}`);
    check(segment.status === 200 && /^video\/mp2t$/i.test(segment.headers['content-type']) && segment.headers['content-disposition'] === 'inline' && segment.bytes[0] === 0x47, `GET ${name}`,
      `${segment.status} ${segment.headers['content-type']} ${segment.bytes.length} bytes`);
  }
  const seek = await ask(`${hls}/seek/6/playlist.m3u8`);
  check(seek.status === 200 && seek.text.startsWith('#EXTM3U'), 'GET seek/6/playlist.m3u8', seek.status);
  const after = await ask(`${hls}/seek/6/${names.at(-1)}`);
  check(after.status === 200 && after.bytes[0] === 0x47, `GET seek/6/${names.at(-1)}`, after.status);
  const late = await ask(`${hls}/seek/11.99/playlist.m3u8`);
  check(late.status === 200 && /#EXT-X-ENDLIST/.test(late.text), 'GET seek past the end of the film', late.status);

  equal(await brief(`${base}/progress/${infoHash}/x`), [400, 'Invalid file index'], 'GET /progress of no index');
  equal(await brief(`${base}/progress/${infoHash}/7`), [400, 'File index out of range'], 'GET /progress of an index out of range');
  equal(await brief(`${hls}/nonsense.ts`), [404, 'HLS file not ready'], 'GET a name that is none');
  equal((await ask(`${hls}/segment099.ts`)).status, 404, 'GET a segment that is none');
  const preflight = await ask(`${base}/add`, { method: 'OPTIONS', headers: { origin: 'http://elsewhere.example', 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' } });
  check([200, 204].includes(preflight.status) && preflight.headers['access-control-allow-origin'] === '*' && /POST/.test(preflight.headers['access-control-allow-methods'])
    && /content-type/i.test(preflight.headers['access-control-allow-headers']), 'OPTIONS /add', preflight.status);

  const removed = await ask(`${base}/remove/${infoHash}`, { method: 'DELETE' });
  equal([removed.status, removed.json], [200, { message: 'Torrent removed successfully' }], 'DELETE /remove');
  equal(await brief(`${base}/status/${infoHash}`), [404, 'Torrent not found'], 'GET /status after it');
  equal(await brief(`${base}/remove/${infoHash}`, 'DELETE'), [404, 'Torrent not found'], 'DELETE /remove again');
  equal((await brief(`${hls}/playlist.m3u8`))[0], 404, 'GET playlist.m3u8 after it');
}

async function firstFaults({ base }) {
  const nobody = 'a'.repeat(40);
  equal(await refused(`${base}/add`, {}), [400, 'InfoHash is required'], 'POST /add without anything');
  const badMagnet = await refused(`${base}/add`, { infoHash: nobody, magnetURI: 'magnet:?xt=urn:btih:zz' });
  check(badMagnet[0] === 400 && badMagnet[1].startsWith('Invalid magnet URI: '), 'POST /add with a bad magnet', badMagnet);
  const badJson = await refused(`${base}/add`, '{');
  check(badJson[0] === 400 && badJson[1].startsWith('Invalid request format: '), 'POST /add with bad JSON', badJson);
  equal(await brief(`${base}/status/${nobody}`), [404, 'Torrent not found'], 'GET /status of an unknown torrent');
  equal(await brief(`${base}/progress/${nobody}/0`), [404, 'Torrent not found'], 'GET /progress of an unknown torrent');
  equal(await refused(`${base}/prioritize`, { infoHash: nobody, fileIdx: 0, percentage: 5 }), [404, 'Torrent not found'], 'POST /prioritize of an unknown torrent');

  // A torrent that nobody has: everything waits for the metadata, and gives up in the predecessor's time and words.
  const magnetURI = `magnet:?xt=urn:btih:${nobody}&x.pe=127.0.0.1:${await freePort()}`;
  equal((await post(`${base}/add`, { infoHash: nobody, magnetURI })).json, { message: 'Torrent added successfully', infoHash: nobody }, 'POST /add of a torrent that nobody has');
  const status = (await ask(`${base}/status/${nobody}`)).json;
  equal([status.infoHash, status.state, status.metadataCompleted], [nobody, 'getting metadata', false], 'GET /status of it');
  const began = Date.now();
  const [progress, playlist, prioritize] = await Promise.all([
    ask(`${base}/progress/${nobody}/0`),
    ask(`${base}/hls/${nobody}/0/playlist.m3u8`),
    post(`${base}/prioritize`, { infoHash: nobody, fileIdx: 0, percentage: 5 }),
  ]);
  equal([progress.status, progress.json.ready, progress.json.status], [200, false, 'metadata not yet available'], 'GET /progress of it');
  equal([playlist.status, playlist.json.error], [503, 'Timed out waiting for torrent metadata'], 'GET playlist.m3u8 of it');
  equal([prioritize.status, prioritize.json.error], [503, 'Waiting for torrent metadata'], 'POST /prioritize of it');
  check(progress.took > 4000 && progress.took < 8000 && prioritize.took > 2000 && prioritize.took < 5000, 'they wait as long as they used to', `${progress.took}, ${playlist.took}, ${prioritize.took} ms`);
  check(Date.now() - began < 10_000, 'and no longer');
  equal((await ask(`${base}/remove/${nobody}`, { method: 'DELETE' })).status, 200, 'DELETE /remove of it');
}

/** Predecessor 2: one address, `/stream?magnet=`. */
async function second({ base }, swarm, film, folder) {
  const bytes = readFileSync(film);
  const url = `${base}/stream?magnet=${encodeURIComponent(swarm.magnet)}`;
  equal((await ask(`${base}/stream`)).status, 400, 'GET /stream without a magnet');
  equal((await ask(`${base}/stream?magnet=rubbish`)).status, 400, 'GET /stream with rubbish');
  const whole = await ask(url);
  check(whole.status === 200 && whole.bytes.equals(bytes), 'GET /stream?magnet=', `${whole.status}, ${whole.bytes.length} bytes`);
  equal([whole.headers['content-type'], whole.headers['content-length'], whole.headers['accept-ranges']], ['video/x-matroska', String(bytes.length), 'bytes'], 'its headers');
  const part = await ask(url, { headers: { range: 'bytes=1000-1999' } });
  check(part.status === 206 && part.bytes.equals(bytes.subarray(1000, 2000)), 'with Range', part.headers['content-range']);
  equal(part.headers['content-range'], `bytes 1000-1999/${bytes.length}`, 'its Content-Range');
  const two = await ask(url, { headers: { range: 'bytes=0-1' } });
  check(two.status === 206 && two.bytes.equals(bytes.subarray(0, 2)), 'bytes=0-1, which Safari asks first', `${two.bytes.length} bytes`);
  const open = await ask(url, { headers: { range: 'bytes=0-' } });
  check(open.status === 206 && open.bytes.equals(bytes), 'bytes=0-, which players ask first', open.status);
  const head = await ask(url, { method: 'HEAD' });
  equal([head.status, head.headers['content-length']], [200, String(bytes.length)], 'HEAD');
  const index = await ask(`${url}&index=0`, { headers: { range: 'bytes=5-6' } });
  check(index.bytes.equals(bytes.subarray(5, 7)), 'with &index=0');

  const text = join(folder, 'no film.txt');
  writeFileSync(text, 'x'.repeat(100_000));
  const useless = await seed(text, { piece: 32 });
  const none = await ask(`${base}/stream?magnet=${encodeURIComponent(useless.magnet)}`);
  equal(none.status, 404, 'GET /stream of a torrent without a video');
  await stop(useless.process);
}

async function brief(url, method = 'GET') {
  const got = await ask(url, { method });
  return [got.status, got.json.error];
}

async function refused(url, body) {
  const got = await post(url, body);
  return [got.status, got.json.error];
}

function types(object, wanted, what) {
  const got = Object.fromEntries(Object.keys(wanted).map((key) => [key, typeof object[key]]));
  equal(got, wanted, `${what}: shape`);
}
