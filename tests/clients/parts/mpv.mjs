// mpv plays and seeks /stream, watched through its JSON IPC.
import { film, FILM } from '../lib/film.mjs';
import { watchWithMpv } from '../lib/mpv.mjs';
import { stop } from '../lib/process.mjs';
import { seed } from '../lib/seeder.mjs';
import { add, serve } from '../lib/server.mjs';

export default async function ({ binary, media }) {
  for (const kind of ['mkv', 'mp4']) {
    const swarm = await seed(film(media, kind));
    const server = await serve(binary);
    await add(server, swarm);
    await watchWithMpv(`${kind} by /stream`, `${server.base}/stream/${swarm.infoHash}/0`, FILM);
    if (kind === 'mp4') await watchWithMpv('mp4 by HLS', `${server.base}/hls/${swarm.infoHash}/0/master.m3u8`, FILM);
    await stop(server.child);
    await stop(swarm.process);
  }
}
