// WebKitGTK (GStreamer beneath, so not Safari's own HLS): hls.js through MSE, and the engine's own HLS.
import { join } from 'node:path';
import { check } from '../lib/check.mjs';
import { CLIP, clip } from '../lib/clips.mjs';
import { stop, until } from '../lib/process.mjs';
import { seed } from '../lib/seeder.mjs';
import { add, serve } from '../lib/server.mjs';
import { open, seek } from '../lib/watch.mjs';
import { web } from '../lib/web.mjs';
import { browseWebKit } from '../lib/webkit.mjs';

export default async function ({ binary, media, shots }) {
  const site = await web();
  const swarm = await seed(clip(media, 'tracks'));
  const server = await serve(binary);
  await add(server, swarm);
  const folder = `${server.base}/hls/${swarm.infoHash}/0`;
  for (const [what, name, native] of [['hls.js, MPEG-TS', 'master.m3u8', false], ['hls.js, fragmented MP4', 'master.m3u8?container=fmp4', false], ['its own HLS', 'playlist.m3u8', true]]) {
    const { page, close } = await browseWebKit();
    await open(page, site, `${folder}/${name}`, { native });
    await page.evaluate(() => void document.querySelector('video').play());
    const state = () => page.evaluate(() => window.player.state());
    const goesOn = async (from) => {
      const first = await until(`${what} at ${from} s`, 60_000, async () => {
        const now = await state();
        if (now.readyState >= 3 && !now.seeking && now.time >= from - 0.3) return now;
        throw new Error(JSON.stringify(now));
      });
      check(first.time <= from + 3 && first.width === CLIP.width, `${what}: lands at ${from} s`, `${first.time.toFixed(2)} s, ${first.width} px`);
      const later = await until(`${what}: three seconds on`, 60_000, async () => {
        const now = await state();
        return now.time >= first.time + 3 && now;
      });
      check(later.frames > first.frames, `${what}: new frames`, `${later.frames - first.frames} by ${later.time.toFixed(2)} s`);
    };
    await goesOn(0);
    // GStreamer's own HLS runs to the end after a seek; through hls.js it lands.
    if (!native) {
      await seek(page, 40);
      await goesOn(40);
    }
    await page.screenshot({ path: join(shots, `webkit-${native ? 'native' : name.includes('fmp4') ? 'fmp4' : 'ts'}.png`) });
    await close();
  }
  await stop(server.child);
  await stop(swarm.process);
}
