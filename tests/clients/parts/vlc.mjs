// VLC (as a user who is not root) plays and seeks /stream and the .m3u playlist; its HTTP interface tells what it does.
import { film, FILM } from '../lib/film.mjs';
import { stop } from '../lib/process.mjs';
import { seed } from '../lib/seeder.mjs';
import { add, serve } from '../lib/server.mjs';
import { watchWithVlc } from '../lib/vlc.mjs';

export default async function ({ binary, media }) {
  for (const kind of ['mkv', 'mp4']) {
    const swarm = await seed(film(media, kind));
    const server = await serve(binary);
    await add(server, swarm);
    await watchWithVlc(`${kind} by /stream`, `${server.base}/stream/${swarm.infoHash}/0`, FILM);
    if (kind === 'mkv') {
      await watchWithVlc('mkv by the .m3u playlist', `${server.base}/playlist/${swarm.infoHash}.m3u`, FILM);
      await watchWithVlc('mkv by HLS', `${server.base}/hls/${swarm.infoHash}/0/master.m3u8`, FILM);
    }
    await stop(server.child);
    await stop(swarm.process);
  }
}
