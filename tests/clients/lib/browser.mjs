// Debian's Chromium, headless, with a profile of its own, and cut off from everything but loopback.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { scratch } from './process.mjs';

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--disable-default-apps', '--disable-extensions', '--disable-domain-reliability', '--metrics-recording-only', '--autoplay-policy=no-user-gesture-required',
  '--disable-background-timer-throttling', '--disable-renderer-backgrounding', '--disable-backgrounding-occluded-windows',
  '--disable-features=OptimizationHints,MediaRouter,Translate,AutofillServerCommunication,CertificateTransparencyComponentUpdater,DialMediaRouteProvider',
  // No name resolves but loopback, and no proxy is asked.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost', '--no-proxy-server',
];

/** {page, close}. The page's console errors are printed. */
export async function browse() {
  const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync);
  if (!executablePath) throw new Error('no Chromium: apt-get install chromium');
  const context = await chromium.launchPersistentContext(scratch('chromium'), { executablePath, headless: true, args: FLAGS, viewport: { width: 1280, height: 800 }, timeout: 60_000 });
  const page = context.pages()[0] ?? (await context.newPage());
  page.on('pageerror', (error) => console.log(`       page: ${error.message}`));
  page.on('console', (message) => message.type() === 'error' && console.log(`       console: ${message.text()}`));
  return { page, close: () => context.close() };
}
