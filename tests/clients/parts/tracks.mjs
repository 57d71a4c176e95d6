// A film with two sounds and two subtitles: hls.js switches both (proven by the tone heard and the cue shown), in MPEG-TS and in fragmented MP4; native HLS and VLC play it.
import { join } from 'node:path';
import { browse } from '../lib/browser.mjs';
import { check } from '../lib/check.mjs';
import { CLIP, SUBTITLES, clip } from '../lib/clips.mjs';
import { sleep, stop, until } from '../lib/process.mjs';
import { seed } from '../lib/seeder.mjs';
import { add, serve } from '../lib/server.mjs';
import { watchWithVlc } from '../lib/vlc.mjs';
import { begin, ears, open, plays, seek } from '../lib/watch.mjs';
import { web } from '../lib/web.mjs';

export default async function ({ binary, media, shots }) {
  const site = await web();
  const swarm = await seed(clip(media, 'tracks'));
  const server = await serve(binary);
  await add(server, swarm);
  const master = `${server.base}/hls/${swarm.infoHash}/0/master.m3u8`;
  for (const container of ['ts', 'fmp4']) {
    const { page, close } = await browse();
    await open(page, site, `${master}?container=${container}`);
    await begin(page);
    await plays(page, `${container}: the first sound`, { at: 0, slack: 1, hertz: 440 });
    const offered = await page.evaluate(() => {
      const { hls } = window.player;
      return { audio: hls.audioTracks.map((track) => track.lang), text: hls.subtitleTracks.map((track) => track.lang) };
    });
    check(offered.audio.join() === 'en,fr' && offered.text.join() === 'en,de', `${container}: what hls.js offers`, offered);
    await page.evaluate(() => (window.player.hls.audioTrack = 1));
    await until(`${container}: the other sound`, 20_000, () => page.evaluate(() => Math.abs(window.player.sound().hertz - 880) < 12));
    await ears(page, `${container}: after the switch of sound`, 880);
    await seek(page, 40);
    await plays(page, `${container}: the other sound after a seek`, { at: 40, slack: 1, hertz: 880 });
    for (const [number, language] of [[0, 'eng'], [1, 'deu']]) {
      await page.evaluate((to) => (window.player.hls.subtitleTrack = to), number);
      await cues(page, `${container}: subtitles in ${language}`, SUBTITLES[language]);
    }
    await seek(page, 12);
    await plays(page, `${container}: back at 12 s`, { at: 12, slack: 1, hertz: 880 });
    await cues(page, `${container}: subtitles after a seek back`, SUBTITLES.deu);
    await page.evaluate(() => (window.player.hls.audioTrack = 0));
    await until(`${container}: the first sound again`, 20_000, () => page.evaluate(() => Math.abs(window.player.sound().hertz - 440) < 12));
    await page.screenshot({ path: join(shots, `tracks-${container}.png`) });
    const errors = (await page.evaluate(() => window.player.state())).errors.filter((error) => error.fatal);
    check(errors.length === 0, `${container}: hls.js has no fatal error`, errors);
    await close();

    const native = await browse();
    await open(native.page, site, `${master}?container=${container}`, { native: true });
    await begin(native.page);
    await plays(native.page, `${container}: native HLS`, { at: 0, slack: 1, hertz: 440 });
    await seek(native.page, 40);
    await plays(native.page, `${container}: native HLS at 40 s`, { at: 40, slack: 1, hertz: 440 });
    await native.close();
  }
  await watchWithVlc('two sounds by HLS', master, CLIP);
  await watchWithVlc('two sounds by HLS in fragmented MP4', `${master}?container=fmp4`, CLIP);
  await stop(server.child);
  await stop(swarm.process);
}

/** The cue on show names the second of the clock, several times in a row; between two cues there is none. */
async function cues(page, what, line) {
  await until(`${what}: a cue`, 20_000, () => page.evaluate(() => [...document.querySelector('video').textTracks].some((track) => track.mode !== 'disabled' && track.activeCues?.length)));
  const seen = [];
  for (let i = 0; i < 12; i++) {
    seen.push(
      await page.evaluate(() => {
        const video = document.querySelector('video');
        const cue = [...video.textTracks].filter((track) => track.mode !== 'disabled').flatMap((track) => [...(track.activeCues ?? [])]);
        return { time: video.currentTime, text: cue.map((each) => each.text), from: cue[0]?.startTime };
      }),
    );
    await sleep(170);
  }
  const shown = seen.filter((now) => now.text.length);
  const right = shown.every((now) => now.text.length === 1 && [now.time, now.time - 0.3].some((time) => now.text[0] === line(Math.floor(time))));
  // hls.js counts from the first decoding time, two pictures before what is first shown: pictures and cues are both that much later on its clock.
  const inStep = shown.every((now) => (now.from % 1) > 0.09 && (now.from % 1) < 0.1 + 2.2 / CLIP.rate);
  check(shown.length >= 4 && right && inStep, what, shown.slice(0, 4).map((now) => `${now.time.toFixed(2)}=${now.text.join('|')} from ${now.from?.toFixed(3)}`).join(', '));
}
