// Eyes and ears on the program's own page: the instruments of the test player are put into it.
import { readFileSync } from 'node:fs';

const source = readFileSync(new URL('../page/instruments.js', import.meta.url), 'utf8').replace(/^[^]*export function/, 'window.instruments = function');

/** Makes the page play, as a person would: with its first play button, unless it has begun by itself. */
export async function playOnPage(page) {
  await page.waitForSelector('video, button', { timeout: 20_000 });
  const playing = () => page.evaluate(() => [...document.querySelectorAll('video')].some((video) => (video.currentSrc || video.src).includes('.m3u8')));
  if (!(await playing())) {
    await page.locator('button:visible, a:visible').filter({ hasText: /play|watch/i }).first().click({ timeout: 20_000 });
  }
  await page.waitForFunction(() => [...document.querySelectorAll('video')].some((video) => (video.currentSrc || video.src).includes('.m3u8')), null, { timeout: 20_000 });
}

export async function instrument(page) {
  // As an expression of the debugger, because the page's content security policy forbids scripts in the document.
  await page.evaluate(`void (${source})`);
  await page.evaluate(async () => {
    const video = [...document.querySelectorAll('video')].find((each) => (each.currentSrc || each.src).includes('.m3u8'));
    window.player = window.instruments(video);
    await window.player.listen();
    await video.play();
  });
}
