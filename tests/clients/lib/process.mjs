// Child processes that never outlive the test: each is killed by its own id, whatever ends the run.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const running = new Set();
const folders = [];

/** Starts a program in its own process group. `output()` is what it has printed so far, both streams. */
export function start(command, args, options = {}) {
  const child = spawn(command, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'], ...options });
  let printed = '';
  const keep = (chunk) => {
    printed = (printed + chunk).slice(-100_000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  child.output = () => printed;
  child.ended = new Promise((resolve) => {
    child.on('error', (error) => resolve({ error }));
    child.on('exit', (code, signal) => resolve({ code, signal }));
  });
  running.add(child);
  child.ended.then(() => running.delete(child));
  return child;
}

function signalGroup(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has ended by itself.
  }
}

export async function stop(child, patience = 3000) {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  signalGroup(child, 'SIGTERM');
  const gone = await Promise.race([child.ended, sleep(patience)]);
  if (!gone) {
    signalGroup(child, 'SIGKILL');
    await child.ended;
  }
}

/** A scratch folder that goes with the process. */
export function scratch(name) {
  const folder = mkdtempSync(join(tmpdir(), `torrentstream-${name}-`));
  folders.push(folder);
  return folder;
}

export async function cleanUp() {
  await Promise.all([...running].map((child) => stop(child)));
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));
process.on('exit', () => {
  for (const child of running) signalGroup(child, 'SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Calls `probe` until it gives something truthy. The last error or value is in the message when the time is over. */
export async function until(what, limit, probe, step = 100) {
  const end = Date.now() + limit;
  let last;
  for (;;) {
    try {
      const value = await probe();
      if (value) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`${what}: not within ${limit / 1000} s (${last?.message ?? JSON.stringify(last)})`);
    await sleep(step);
  }
}

export async function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
