// A segment is a pure function of file and number: asked for in random order, in parallel, twice, after a restart, and made from the local file, it has the same bytes.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { check, equal, note } from '../lib/check.mjs';
import { scratch, stop } from '../lib/process.mjs';
import { seed } from '../lib/seeder.mjs';
import { add, ask, askPatiently, serve } from '../lib/server.mjs';

const digest = (bytes) => createHash('sha256').update(bytes).digest('hex');

export default async function ({ binary, fixtures }) {
  const films = scratch('films');
  for (const kind of ['mkv', 'mp4']) {
    // The small film of the demo, in many pieces: this is about bytes, not about speed.
    const film = join(films, `film.${kind}`);
    execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-i', join(fixtures, 'demo.mp4'), '-c', 'copy', film]);
    const swarm = await seed(film, { piece: 32 });
    const local = scratch('remux');
    execFileSync(binary, ['remux', film, '-o', local], { stdio: 'ignore' });
    const playlist = readFileSync(join(local, 'playlist.m3u8'), 'utf8');
    const names = playlist.split('\n').filter((line) => line && !line.startsWith('#'));
    const wanted = Object.fromEntries(names.map((name) => [name, digest(readFileSync(join(local, name)))]));
    check(names.length >= 4, `${kind}: segments`, names.length);

    for (const round of ['first run', 'after a restart', 'without a segment cache']) {
      const server = await serve(binary, { args: ['--offline', ...(round.startsWith('without') ? ['--segment-cache', '0'] : [])] });
      await add(server, swarm);
      const base = `${server.base}/hls/${swarm.infoHash}/0`;
      equal((await askPatiently(`${base}/playlist.m3u8`)).text === playlist, true, `${kind}, ${round}: the playlist is that of remux`);
      const order = shuffled([...names, ...names, ...names, ...names], round.length);
      const bad = [];
      await inParallel(order, 6, async (name) => {
        const got = await askPatiently(`${base}/${name}`, { limit: 120_000 });
        if (got.status !== 200 || digest(got.bytes) !== wanted[name]) bad.push(`${name}: ${got.status}, ${got.bytes.length} bytes`);
        if (!/^video\/mp2t$/i.test(got.headers['content-type'])) bad.push(`${name}: ${got.headers['content-type']}`);
      });
      equal(bad, [], `${kind}, ${round}: ${order.length} segments in random order, six at a time`);
      if (round === 'first run') await details(kind, base, names, local);
      await stop(server.child);
    }
    await stop(swarm.process);
  }
}

async function details(kind, base, names, local) {
  const bytes = readFileSync(join(local, names[2]));
  const part = await ask(`${base}/${names[2]}`, { headers: { range: 'bytes=188-1000' } });
  check(part.status === 206 && part.bytes.equals(bytes.subarray(188, 1001)) && part.headers['content-range'] === `bytes 188-1000/${bytes.length}`, `${kind}: a range of a segment`, part.headers['content-range']);
  const again = await ask(`${base}/${names[2]}`, { headers: { 'if-none-match': part.headers.etag } });
  equal(again.status, 304, `${kind}: If-None-Match of a segment`);
  const beyond = await ask(`${base}/segment${String(names.length).padStart(3, '0')}.ts`);
  equal(beyond.status, 404, `${kind}: a segment beyond the end`);
  const seek = await ask(`${base}/seek/20/playlist.m3u8`);
  check(seek.status === 200 && /#EXT-X-START:TIME-OFFSET=20/.test(seek.text), `${kind}: the seek playlist`, seek.text.split('\n').find((line) => line.includes('START')));
  const segment = await ask(`${base}/seek/20/${names[2]}`);
  check(segment.bytes.equals(bytes), `${kind}: a segment under the seek address`);
  note(`${kind}: segment of ${bytes.length} bytes`);
}

async function inParallel(items, width, run) {
  const queue = [...items];
  await Promise.all([...Array(width)].map(async () => {
    while (queue.length) await run(queue.shift());
  }));
}

/** The same disorder for the same number. */
function shuffled(items, number) {
  let state = number * 2654435761;
  for (let i = items.length - 1; i > 0; i--) {
    state = (state * 1103515245 + 12345) % 2147483648;
    const other = state % (i + 1);
    [items[i], items[other]] = [items[other], items[i]];
  }
  return items;
}
