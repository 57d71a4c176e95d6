// What "it plays" means: the picture shows its own second, the sound has its own pitch, and both go on.
import { check, note } from './check.mjs';
import { sleep, until } from './process.mjs';

const state = (page) => page.evaluate(() => window.player.state());

/** The page shows `url`, through hls.js or the browser's own HLS. */
export async function open(page, site, url, { native = false } = {}) {
  await page.goto(`${site}/?src=${encodeURIComponent(url)}${native ? '&native' : ''}`);
  await page.waitForFunction(() => window.player);
}

/** Plays for a moment from where it is, and checks eyes and ears. `at`: the second that must be on show at first, if known. */
export async function plays(page, what, { at, hertz = 440, limit = 60_000, slack = 3 } = {}) {
  const began = Date.now();
  const first = await until(`${what}: a picture`, limit, async () => {
    const now = await state(page);
    if (now.error) throw new Error(now.error);
    return now.readyState >= 3 && !now.seeking && now.frames > 0 && now;
  });
  note(`${what}: ready after ${((Date.now() - began) / 1000).toFixed(1)} s at ${first.time.toFixed(2)} s`);
  if (at !== undefined) check(first.time >= at - 0.3 && first.time <= at + slack, `${what}: lands`, `${first.time.toFixed(2)} s`);
  const later = await until(`${what}: three seconds further`, limit, async () => {
    const now = await state(page);
    if (now.error) throw new Error(now.error);
    return now.time >= first.time + 3 && now;
  });
  // Headless Chromium decodes every frame in software; under load it may drop some, which count as well.
  check(later.frames - first.frames >= 48, `${what}: new frames`, `${later.frames - first.frames} in ${(later.time - first.time).toFixed(2)} s`);
  await picture(page, what);
  await ears(page, what, hertz);
  check(later.errors.filter((error) => error.fatal).length === 0, `${what}: no fatal error`, later.errors);
}

/** The second in the picture is the second of the clock. At the edge of a second either neighbour will do. */
export async function picture(page, what) {
  const readings = [];
  for (let i = 0; i < 5; i++) {
    readings.push(await page.evaluate(() => [window.player.state().time, window.player.second()]));
    await sleep(130);
  }
  check(readings.every(([time, second]) => agrees(time, second)), `${what}: the picture shows the clock's second`, readings.map(([time, second]) => `${time.toFixed(2)}=${second}`).join(' '));
}

const EDGE = 0.2;
export const agrees = (time, second) => second !== null && [time, time - EDGE, time + EDGE].some((each) => Math.floor(each) % 64 === second);

export async function ears(page, what, hertz) {
  // The tone is beneath a short beep at each full second: one good reading of several is proof.
  const heard = [];
  for (let i = 0; i < 12; i++) {
    heard.push(await page.evaluate(() => window.player.sound()));
    const now = heard.at(-1);
    if (now.decibel > -60 && (hertz === null || Math.abs(now.hertz - hertz) < 12)) return check(true, `${what}: sound`, `${now.hertz} Hz at ${now.decibel} dB`);
    await sleep(150);
  }
  return check(false, `${what}: sound of ${hertz ?? 'any'} Hz`, heard.map((now) => `${now.hertz} Hz ${now.decibel} dB`).join(', '));
}

export async function seek(page, second) {
  await page.evaluate((to) => {
    const video = document.querySelector('video');
    video.currentTime = to;
    // Not waited for: how long the seek takes is measured by who looks for the picture.
    video.play().catch(() => {});
  }, second);
}

/** Begins to play with open ears. */
export async function begin(page) {
  await page.evaluate(async () => {
    await window.player.listen();
    document.querySelector('video').play();
  });
}

/** Plays a film from start to end and counts: nothing may be jumped, frozen or shown at the wrong time on the way. */
export async function playThrough(page, what, { frames, seconds }) {
  await page.evaluate(() => window.player.record());
  await begin(page);
  await until(`${what}: the end`, (seconds * 2 + 60) * 1000, async () => {
    const now = await state(page);
    if (now.error || now.errors.some((error) => error.fatal)) throw new Error(now.error ?? JSON.stringify(now.errors));
    return now.ended;
  }, 500);
  const end = await state(page);
  const { samples, readings } = await page.evaluate(() => ({ samples: window.player.samples, readings: window.player.readings }));
  const { ahead, stalled, latency } = clock(samples);
  check(end.frames >= 0.98 * frames, `${what}: frames`, `${end.frames} of ${frames} (${end.dropped} decoded but not painted)`);
  check(ahead <= 0.25, `${what}: the clock never jumps ahead`, `${ahead.toFixed(3)} s at most`);
  check(stalled < 1, `${what}: stalls`, `${stalled.toFixed(2)} s in all, first picture after ${latency.toFixed(2)} s`);
  check(end.buffered.length === 1, `${what}: one buffered range`, end.buffered.map(([from, to]) => `${from.toFixed(3)}-${to.toFixed(3)}`).join(' '));
  check(Math.abs(end.time - seconds) < 0.5 && Math.abs(end.duration - seconds) < 0.5, `${what}: length`, `${end.time.toFixed(2)} of ${end.duration.toFixed(2)} s`);
  // With seconds of film in the buffer it is the machine that was too slow to show them; what that costs is counted above.
  const slow = end.errors.filter((error) => error.details === 'bufferStalledError' && /"len":([1-9]|\d\d)/.test(error.reason));
  if (slow.length) note(`${what}: the decoder fell behind ${slow.length} times with film in the buffer`);
  check(end.errors.length === slow.length, `${what}: hls.js is content`, end.errors.filter((error) => !slow.includes(error)));
  const wrong = readings.filter(([time, second]) => !agrees(time, second));
  check(readings.length > frames / 4, `${what}: pictures looked at`, `${readings.length}`);
  check(wrong.length === 0, `${what}: every one of them shows its second`, wrong.slice(0, 5));
  const seen = new Set(readings.map(([, second]) => second));
  const missed = [...Array(Math.min(seconds, 64)).keys()].filter((second) => !seen.has(second));
  check(missed.length === 0, `${what}: every second was on show`, missed);
}

/** From [wall, media] samples: the widest jump of the media clock ahead of the wall clock, and how long it stood still after it first moved. */
export function clock(samples) {
  const start = samples.findIndex(([, media], i) => i > 0 && media > samples[i - 1][1]);
  let [ahead, stalled] = [0, 0];
  // Freezes count from 150 ms: less is the grain of the clock.
  let frozen = 0;
  for (let i = start; i > 0 && i < samples.length; i++) {
    const [wall, media] = [samples[i][0] - samples[i - 1][0], samples[i][1] - samples[i - 1][1]];
    ahead = Math.max(ahead, media - wall);
    if (media < wall * 0.1) frozen += wall;
    else {
      if (frozen >= 0.15) stalled += frozen;
      frozen = 0;
    }
  }
  return { ahead, stalled, latency: start > 0 ? samples[start][0] - samples[0][0] : Infinity };
}
