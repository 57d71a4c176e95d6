// The main road: Transmission seeds a film at 2 MB/s, the program gets the magnet, hls.js in Chromium plays it with picture and sound, seeks to 40 s and back to 10 s.
import { join } from 'node:path';
import { browse } from '../lib/browser.mjs';
import { check, note } from '../lib/check.mjs';
import { film } from '../lib/film.mjs';
import { stop } from '../lib/process.mjs';
import { seed } from '../lib/seeder.mjs';
import { add, serve } from '../lib/server.mjs';
import { begin, open, plays, seek } from '../lib/watch.mjs';
import { web } from '../lib/web.mjs';

export default async function ({ binary, media, shots }) {
  const site = await web();
  for (const kind of ['mkv', 'mp4']) {
    const swarm = await seed(film(media, kind), { limit: 2000 });
    const server = await serve(binary);
    const status = await add(server, swarm);
    note(`${kind}: ${status.name}, ${status.length} bytes`);
    const { page, close } = await browse();
    await open(page, site, `${server.base}/hls/${swarm.infoHash}/0/master.m3u8`);
    await begin(page);
    await plays(page, `${kind} from the start`, { at: 0, slack: 1 });
    await seek(page, 40);
    await plays(page, `${kind} after a seek to 40 s`, { at: 40, slack: 1 });
    await seek(page, 10);
    await plays(page, `${kind} back at 10 s`, { at: 10, slack: 1 });
    await page.screenshot({ path: join(shots, `hlsjs-${kind}.png`) });
    await close();
    // warp itself logs each connection that a client breaks off, as hls.js does at a seek.
    const complaints = server.child.output().split('\n').filter((line) => /panicked|ERROR/.test(line) && !line.includes('warp::server'));
    check(complaints.length === 0, `${kind}: the log tells of no error`, complaints[0]);
    await stop(server.child);
    await stop(swarm.process);
  }
}
