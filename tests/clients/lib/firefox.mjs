// Debian's Firefox, headless, with a profile of its own and no way out but loopback; driven over WebDriver BiDi.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';
import { scratch, start, stop, until } from './process.mjs';

const PREFERENCES = {
  'media.autoplay.default': 0, 'media.autoplay.blocking_policy': 0, 'media.hardware-video-decoding.enabled': false,
  'app.update.enabled': false, 'browser.safebrowsing.malware.enabled': false, 'browser.safebrowsing.phishing.enabled': false, 'datareporting.policy.dataSubmissionEnabled': false,
  'extensions.getAddons.cache.enabled': false, 'network.captive-portal-service.enabled': false, 'network.connectivity-service.enabled': false, 'services.settings.server': '',
  'media.gmp-manager.url': '', 'media.gmp-manager.updateEnabled': false, 'browser.region.update.enabled': false, 'dom.push.enabled': false,
  // Every name but loopback's goes to a proxy that is not there.
  'network.proxy.type': 1, 'network.proxy.http': '127.0.0.1', 'network.proxy.http_port': 9, 'network.proxy.ssl': '127.0.0.1', 'network.proxy.ssl_port': 9,
  'network.proxy.no_proxies_on': '127.0.0.1, localhost', 'network.proxy.allow_hijacking_localhost': false,
};

/** {page, close}, as browse() of browser.mjs gives it. */
export async function browseFirefox() {
  const executablePath = ['/usr/bin/firefox-esr', '/usr/bin/firefox'].find(existsSync);
  if (!executablePath) throw new Error('no Firefox: apt-get install firefox-esr');
  const profile = scratch('firefox');
  // Without a sound card its AudioContext never starts: PulseAudio with a sink that goes nowhere is one.
  const socket = join(profile, 'sound');
  const sound = start('pulseaudio', ['--daemonize=no', '--exit-idle-time=-1', '-n', '-L', 'module-null-sink', '-L', `module-native-protocol-unix auth-anonymous=1 socket=${socket}`], {
    env: { ...process.env, HOME: profile, XDG_RUNTIME_DIR: profile },
  });
  await until('PulseAudio listens', 20_000, () => existsSync(socket));
  const browser = await puppeteer.launch({
    browser: 'firefox', executablePath, headless: true, userDataDir: profile, extraPrefsFirefox: PREFERENCES, timeout: 60_000, defaultViewport: { width: 1280, height: 800 },
    env: { ...process.env, HOME: profile, PULSE_SERVER: `unix:${socket}` },
  });
  const page = await browser.newPage();
  page.on('pageerror', (error) => console.log(`       page: ${error.message}`));
  const close = async () => {
    await browser.close();
    await stop(sound);
  };
  return { page, close };
}
