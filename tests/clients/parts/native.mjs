// The program's own page: it lists the torrent and plays it with the browser's own HLS (<video src=master.m3u8>); and the same from another site, which needs CORS.
import { join } from 'node:path';
import { browse } from '../lib/browser.mjs';
import { check } from '../lib/check.mjs';
import { film } from '../lib/film.mjs';
import { stop } from '../lib/process.mjs';
import { seed } from '../lib/seeder.mjs';
import { add, serve } from '../lib/server.mjs';
import { begin, open, plays, seek } from '../lib/watch.mjs';
import { instrument, playOnPage } from '../lib/ownpage.mjs';
import { web } from '../lib/web.mjs';

export default async function ({ binary, media, shots }) {
  const swarm = await seed(film(media, 'mkv'));
  const server = await serve(binary);
  const status = await add(server, swarm);
  const site = await web();

  const own = await browse();
  await own.page.goto(`${server.base}/`);
  await own.page.waitForFunction((name) => document.body.innerText.includes(name), status.name, { timeout: 20_000 });
  check(true, 'the page lists the torrent', status.name);
  await playOnPage(own.page);
  await instrument(own.page);
  await plays(own.page, 'the page');
  await own.page.screenshot({ path: join(shots, 'page.png') });
  const resources = await own.page.evaluate(() => performance.getEntriesByType('resource').map((entry) => new URL(entry.name).host));
  check(resources.every((host) => host === new URL(server.base).host), 'the page asks nobody else', [...new Set(resources)]);
  await own.close();

  const other = await browse();
  await open(other.page, site, `${server.base}/hls/${swarm.infoHash}/auto/master.m3u8`, { native: true });
  await begin(other.page);
  await plays(other.page, 'native HLS on another site', { at: 0, slack: 1 });
  await seek(other.page, 40);
  await plays(other.page, 'native HLS after a seek to 40 s', { at: 40, slack: 1 });
  await seek(other.page, 10);
  await plays(other.page, 'native HLS back at 10 s', { at: 10, slack: 1 });
  await other.close();
  await stop(server.child);
  await stop(swarm.process);
}
