// The watcher watched: ffmpeg's HLS of the film, from a static server, must pass through hls.js; with a segment lost, two swapped, or a second frozen it must not.
import { execFileSync } from 'node:child_process';
import { cpSync, copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { browse } from '../lib/browser.mjs';
import { capture, check } from '../lib/check.mjs';
import { scratch } from '../lib/process.mjs';
import { clock, agrees, begin, open, playThrough, plays, seek } from '../lib/watch.mjs';
import { web } from '../lib/web.mjs';

export default async function ({ fixtures }) {
  const folder = scratch('watchtest');
  const good = join(folder, 'good');
  mkdirSync(good);
  execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-t', '16', '-i', join(fixtures, 'demo.mp4'), '-c', 'copy', '-f', 'hls', '-hls_time', '4', '-hls_list_size', '0',
    '-hls_playlist_type', 'vod', '-hls_segment_filename', join(good, 'segment%03d.ts'), join(good, 'playlist.m3u8')]);
  const site = await web(folder);
  const { page, close } = await browse();

  await open(page, site, `${site}/hls/good/playlist.m3u8`);
  await begin(page);
  await plays(page, 'good film', { hertz: null }).catch((error) => check(false, error.message));
  await seek(page, 9);
  await plays(page, 'good film, after a seek', { at: 9, hertz: null }).catch((error) => check(false, error.message));
  await close();

  check(clock([[0, 0], [0.05, 0.05], [0.1, 0.5], [0.15, 0.55]]).ahead > 0.25, 'a jump of the clock is seen');
  check(clock([[0, 0], [0.05, 0.05], [0.1, 0.05], [1.2, 0.05], [1.25, 0.1]]).stalled > 1, 'a stall is seen');
  check(!agrees(10.5, 12) && !agrees(10.5, null) && agrees(10.5, 10), 'a picture of another second is seen');

  const names = readdirSync(good).filter((name) => name.endsWith('.ts'));
  const damaged = (name, damage) => {
    const copy = join(folder, name);
    cpSync(good, copy, { recursive: true });
    damage(copy);
    return name;
  };
  const cases = [
    damaged('lost', (copy) => {
      const text = readFileSync(join(copy, 'playlist.m3u8'), 'utf8');
      writeFileSync(join(copy, 'playlist.m3u8'), text.replace(/#EXTINF:[\d.]+,\nsegment002\.ts\n/, ''));
    }),
    damaged('repeated', (copy) => copyFileSync(join(copy, 'segment001.ts'), join(copy, 'segment002.ts'))),
    damaged('swapped', (copy) => {
      renameSync(join(copy, 'segment001.ts'), join(copy, 'x'));
      renameSync(join(copy, 'segment002.ts'), join(copy, 'segment001.ts'));
      renameSync(join(copy, 'x'), join(copy, 'segment002.ts'));
    }),
    damaged('thinned', (copy) => {
      // Every picture packet of half a segment is gone: the sound goes on, the picture freezes.
      const data = readFileSync(join(copy, 'segment001.ts'));
      const kept = [];
      for (let at = 0; at < data.length; at += 188) {
        const pid = ((data[at + 1] & 31) << 8) | data[at + 2];
        if (pid !== 256 || at < data.length / 2) kept.push(data.subarray(at, at + 188));
      }
      writeFileSync(join(copy, 'segment001.ts'), Buffer.concat(kept));
    }),
  ];
  check(names.length >= 4, 'enough segments', names.length);
  for (const name of ['good', ...cases]) {
    const { page: fresh, close: shut } = await browse();
    await open(fresh, site, `${site}/hls/${name}/playlist.m3u8`);
    const { verdict, lines } = await capture(() => playThrough(fresh, name, { frames: 384, seconds: 16 }));
    await shut();
    if (name === 'good') check(verdict, 'the good film is found good from start to end', lines.join(' | '));
    else check(!verdict, `a film with a segment ${name} is found bad`, lines.join(' | '));
  }
}
