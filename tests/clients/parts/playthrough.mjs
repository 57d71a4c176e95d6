// A film of 75 s from start to end through hls.js, every frame counted: what is lost, jumped or frozen between the places one looks at does not pass.
import { browse } from '../lib/browser.mjs';
import { film, FILM } from '../lib/film.mjs';
import { stop } from '../lib/process.mjs';
import { seed } from '../lib/seeder.mjs';
import { add, serve } from '../lib/server.mjs';
import { open, playThrough } from '../lib/watch.mjs';
import { web } from '../lib/web.mjs';

export default async function ({ binary, media }, ...kinds) {
  const site = await web();
  // `node run.mjs playthrough mp4` for the other container.
  for (const kind of kinds.length ? kinds : ['mkv']) {
    const swarm = await seed(film(media, kind));
    const server = await serve(binary);
    await add(server, swarm);
    const { page, close } = await browse();
    await open(page, site, `${server.base}/hls/${swarm.infoHash}/0/master.m3u8`);
    await playThrough(page, kind, FILM);
    await close();
    await stop(server.child);
    await stop(swarm.process);
  }
}
