// WebKitGTK's MiniBrowser on a virtual screen, driven over WebDriver. GStreamer plays beneath it: it tells nothing of Safari's own HLS, but much of WebKit's media pipeline.
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { freePort, scratch, start, stop, until } from './process.mjs';

function miniBrowser() {
  const root = '/usr/lib';
  for (const machine of readdirSync(root)) {
    const path = `${root}/${machine}/webkit2gtk-4.1/MiniBrowser`;
    if (existsSync(path)) return path;
  }
  throw new Error('no MiniBrowser: apt-get install webkit2gtk-driver');
}

/** {page, close}; the page knows goto, evaluate, waitForFunction and screenshot. */
export async function browseWebKit() {
  const home = scratch('webkit');
  const display = `:${90 + (process.pid % 900)}`;
  const screen = start('Xvfb', [display, '-screen', '0', '1280x800x24', '-nolisten', 'tcp']);
  const port = await freePort();
  const driver = start('WebKitWebDriver', [`--port=${port}`, '--host=127.0.0.1'], {
    env: { ...process.env, HOME: home, XDG_RUNTIME_DIR: home, DISPLAY: display, WEBKIT_GST_ENABLE_HLS_SUPPORT: '1', WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1', LIBGL_ALWAYS_SOFTWARE: '1', no_proxy: '*' },
  });
  const call = async (method, path, body) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method, body: body && JSON.stringify(body), headers: { 'content-type': 'application/json' } });
    const { value } = await answer.json();
    if (value?.error) throw new Error(`${value.error}: ${value.message}`);
    return value;
  };
  await until('WebKitWebDriver answers', 20_000, async () => (await call('GET', '/status')).ready);
  const session = await call('POST', '/session', {
    capabilities: { alwaysMatch: { 'webkitgtk:browserOptions': { binary: miniBrowser(), args: ['--automation', '--autoplay-policy=allow'] } } },
  });
  const at = `/session/${session.sessionId}`;
  await call('POST', `${at}/timeouts`, { script: 60_000, pageLoad: 60_000 });
  const page = {
    goto: (url) => call('POST', `${at}/url`, { url }),
    async evaluate(what, ...args) {
      const script = `const done = arguments[arguments.length - 1], args = [...arguments].slice(0, -1);
        Promise.resolve().then(() => (${what})(...args)).then((value) => done({ value }), (error) => done({ error: String(error) }));`;
      const { value, error } = await call('POST', `${at}/execute/async`, { script, args });
      if (error) throw new Error(error);
      return value;
    },
    waitForFunction: (what, ...args) => until('the page', 30_000, () => page.evaluate(`async (...args) => !!(await (${what})(...args))`, ...args)),
    screenshot: async ({ path }) => writeFileSync(path, Buffer.from(await call('GET', `${at}/screenshot`), 'base64')),
  };
  const close = async () => {
    await call('DELETE', at).catch(() => {});
    await stop(driver);
    await stop(screen);
  };
  return { page, close };
}
