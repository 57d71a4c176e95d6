// Ctrl-C ends the program within 2 s, also while requests wait for pieces that nobody has, or for metadata.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { check, equal } from '../lib/check.mjs';
import { freePort, sleep, stop } from '../lib/process.mjs';
import { seed } from '../lib/seeder.mjs';
import { ask, post, serve } from '../lib/server.mjs';

export default async function ({ binary, fixtures }) {
  const swarm = await seed(join(fixtures, 'demo.mp4'), { piece: 32 });
  await stop(swarm.process);
  const server = await serve(binary);
  const added = await ask(`${server.base}/torrents`, { method: 'POST', body: readFileSync(swarm.torrent), headers: { 'content-type': 'application/x-bittorrent' } });
  equal([added.status, added.json.infoHash], [200, swarm.infoHash], 'POST /torrents');
  const nobody = 'b'.repeat(40);
  await post(`${server.base}/add`, { infoHash: nobody, magnetURI: `magnet:?xt=urn:btih:${nobody}&x.pe=127.0.0.1:${await freePort()}` });

  let answered = 0;
  const waiting = [`/stream/${swarm.infoHash}/0`, `/stream/${swarm.infoHash}/0`, `/hls/${swarm.infoHash}/0/master.m3u8`, `/hls/${swarm.infoHash}/0/segment002.ts`, `/progress/${swarm.infoHash}/0`, `/stream/${nobody}/0`]
    .map((path) => ask(server.base + path).then((got) => answered++ || got.status, (error) => error.code ?? error.message));
  await sleep(1500);
  equal((await ask(`${server.base}/status/${swarm.infoHash}`)).json.bytesFetched, 0, 'nobody has a piece');
  check(answered < waiting.length - 2, 'requests wait', `${answered} of ${waiting.length} answered`);

  const began = Date.now();
  process.kill(server.child.pid, 'SIGINT');
  const how = await Promise.race([server.child.ended, sleep(10_000)]);
  const took = Date.now() - began;
  check(how !== undefined && took < 2000, 'Ctrl-C ends the program within 2 s', `${took} ms`);
  check(how && (how.code === 0 || how.code === 130) && how.signal === null, 'and in order', how);
  check(!/panicked/.test(server.child.output()), 'without a panic', server.child.output().match(/.*panicked.*/)?.[0]);
  check((await Promise.race([Promise.all(waiting), sleep(3000)])) !== undefined, 'every waiting request has ended');
}
