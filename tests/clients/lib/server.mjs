// The program under test, on a port and in a folder of its own.
import { request } from 'node:http';
import { freePort, scratch, sleep, start, until } from './process.mjs';

/** Starts `torrentstream --offline` (or another command line) and waits until it answers. */
export async function serve(binary, { args = ['--offline'], command = [] } = {}) {
  const port = await freePort();
  const dir = scratch('data');
  const child = start(binary, [...command, ...args, '--port', String(port), '--dir', dir], { env: { ...process.env, RUST_LOG: process.env.RUST_LOG ?? 'info' } });
  const base = `http://127.0.0.1:${port}`;
  await Promise.race([
    until('the program answers /health', 20_000, async () => (await fetch(`${base}/health`)).ok),
    child.ended.then((how) => Promise.reject(new Error(`the program ended: ${JSON.stringify(how)}\n${child.output()}`))),
  ]);
  return { base, port, dir, child };
}

/** A request with everything in hand: status, headers, body bytes. fetch() would hide some of it. */
export function ask(url, { method = 'GET', headers = {}, body, limit = 60_000 } = {}) {
  return new Promise((resolve, reject) => {
    const started = Date.now();
    const call = request(url, { method, headers, timeout: limit }, (answer) => {
      const parts = [];
      const firstByte = Date.now() - started;
      answer.on('data', (part) => parts.push(part));
      answer.on('error', reject);
      answer.on('end', () => {
        const bytes = Buffer.concat(parts);
        resolve({
          status: answer.statusCode, headers: answer.headers, bytes, firstByte, took: Date.now() - started,
          get text() { return bytes.toString(); },
          get json() { return JSON.parse(bytes.toString()); },
        });
      });
    });
    call.on('timeout', () => call.destroy(new Error(`${method} ${url}: nothing for ${limit / 1000} s`)));
    call.on('error', reject);
    call.end(body);
  });
}

/** A request as a patient player makes it: 503 means to come again after Retry-After, up to `patience` ms. `tries` counts the requests. */
export async function askPatiently(url, { patience = 60_000, ...options } = {}) {
  const started = Date.now();
  for (let tries = 1; ; tries++) {
    const answer = await ask(url, options);
    if (answer.status !== 503 || Date.now() - started > patience) return Object.assign(answer, { tries });
    const after = Number(answer.headers['retry-after']);
    if (!(after > 0)) throw new Error(`${url}: 503 without Retry-After: ${answer.text}`);
    await sleep(after * 1000);
  }
}

export const post = (url, value) =>
  ask(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: typeof value === 'string' ? value : JSON.stringify(value) });

/** Adds a magnet as predecessor 1's client does, and waits for the metadata. */
export async function add(server, swarm) {
  const added = await post(`${server.base}/add`, { infoHash: swarm.infoHash, magnetURI: swarm.magnet });
  if (added.status !== 200) throw new Error(`/add: ${added.status} ${added.text}`);
  return until('the metadata', 60_000, async () => {
    const status = (await ask(`${server.base}/status/${swarm.infoHash}`)).json;
    if (status.error) throw new Error(status.error);
    return status.files ? status : null;
  });
}
