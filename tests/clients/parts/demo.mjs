// `torrentstream demo`: works with no network, and the page plays.
import { join } from 'node:path';
import { browse } from '../lib/browser.mjs';
import { check } from '../lib/check.mjs';
import { stop } from '../lib/process.mjs';
import { instrument, playOnPage } from '../lib/ownpage.mjs';
import { serve } from '../lib/server.mjs';
import { plays, seek } from '../lib/watch.mjs';

export default async function ({ binary, shots }) {
  const server = await serve(binary, { command: ['demo'], args: [] });
  check(server.child.output().includes(`:${server.port}`), 'it prints the address to open', server.child.output().match(/http:\S+/)?.[0]);
  const { page, close } = await browse();
  await page.goto(`${server.base}/`);
  await playOnPage(page);
  await instrument(page);
  await plays(page, 'demo', { hertz: null });
  await page.screenshot({ path: join(shots, 'demo.png') });
  await seek(page, 20);
  await plays(page, 'demo after a seek to 20 s', { at: 20, slack: 1, hertz: null });
  await close();
  await stop(server.child);
  const how = await server.child.ended;
  check(how.code === 0, 'it ends in order', how);
}
