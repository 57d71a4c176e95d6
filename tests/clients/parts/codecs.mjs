// Codecs that go into fragmented MP4, out of a real swarm: hls.js in Chromium (all but HEVC), hls.js in Firefox (HEVC too), and mpv; picture and sound, a seek forth and back.
import { join } from 'node:path';
import { browse } from '../lib/browser.mjs';
import { check } from '../lib/check.mjs';
import { CLIP, clip } from '../lib/clips.mjs';
import { browseFirefox } from '../lib/firefox.mjs';
import { watchWithMpv } from '../lib/mpv.mjs';
import { stop } from '../lib/process.mjs';
import { seed } from '../lib/seeder.mjs';
import { add, ask, serve } from '../lib/server.mjs';
import { begin, open, playThrough, plays, seek } from '../lib/watch.mjs';
import { web } from '../lib/web.mjs';

const FILMS = {
  hevc: { codecs: /hvc1\.[^,"]+,mp4a\.40\.2/, browsers: { firefox: browseFirefox } },
  av1: { codecs: /av01\.[^,"]+,Opus/, browsers: { chromium: browse, firefox: browseFirefox } },
  vp9: { codecs: /vp09\.[^,"]+,Opus/, browsers: { chromium: browse } },
  flac: { codecs: /avc1\.[^,"]+,fLaC/, browsers: { chromium: browse } },
};

export default async function ({ binary, media, shots }, ...kinds) {
  const site = await web();
  for (const kind of kinds.length ? kinds : Object.keys(FILMS)) {
    const { codecs, browsers } = FILMS[kind];
    const swarm = await seed(clip(media, kind));
    const server = await serve(binary);
    await add(server, swarm);
    const url = `${server.base}/hls/${swarm.infoHash}/0/master.m3u8`;
    const master = (await ask(url)).text;
    check(codecs.test(master), `${kind}: CODECS`, master.match(/CODECS="([^"]*)"/)?.[1]);
    for (const [name, launch] of Object.entries(browsers)) {
      const what = `${kind} in ${name}`;
      const { page, close } = await launch();
      await open(page, site, url);
      await begin(page);
      await plays(page, `${what} from the start`, { at: 0, slack: 1 });
      await seek(page, 40);
      await plays(page, `${what} after a seek to 40 s`, { at: 40, slack: 1 });
      await seek(page, 10);
      await plays(page, `${what} back at 10 s`, { at: 10, slack: 1 });
      await page.screenshot({ path: join(shots, `codecs-${kind}-${name}.png`) });
      await close();
    }
    if (kind === 'av1') {
      const { page, close } = await browse();
      await open(page, site, url);
      await playThrough(page, `${kind} played through`, CLIP);
      await close();
    }
    await watchWithMpv(`${kind} by HLS`, url, CLIP);
    await stop(server.child);
    await stop(swarm.process);
  }
}
