// Watches VLC (as a user who is not root) through its HTTP interface: pictures and sound are decoded, seeks land.
import { chmodSync } from 'node:fs';
import { check } from './check.mjs';
import { freePort, scratch, start, stop, until } from './process.mjs';

const PASSWORD = 'loopback';

export async function watchWithVlc(what, url, { seconds }) {
  const port = await freePort();
  const home = scratch('vlc');
  chmodSync(home, 0o777);
  const vlc = ['vlc', '--ignore-config', '--no-media-library', '-I', 'http', '--http-host', '127.0.0.1', '--http-port', String(port), '--http-password', PASSWORD,
    '--vout', 'dummy', '--aout', 'dummy', '--no-metadata-network-access', url];
  const command = process.getuid() === 0 ? ['runuser', '-u', 'nobody', '--', 'env', `HOME=${home}`, `XDG_RUNTIME_DIR=${home}`, ...vlc] : ['env', `HOME=${home}`, ...vlc];
  const child = start(command[0], command.slice(1), { cwd: home });
  const status = async (query = '') => {
    const answer = await fetch(`http://127.0.0.1:${port}/requests/status.json${query}`, { headers: { authorization: `Basic ${btoa(`:${PASSWORD}`)}` } });
    return answer.json();
  };
  try {
    const first = await until(`VLC plays ${what}`, 40_000, async () => {
      const now = await status();
      return now.state === 'playing' && now.time >= 1 && now.stats?.decodedvideo > 10 && now;
    });
    check(Math.abs(first.length - seconds) <= 1, `${what}: length`, `${first.length} s`);
    const later = await until(`VLC goes on in ${what}`, 20_000, async () => {
      const now = await status();
      return now.time >= first.time + 3 && now;
    });
    check(later.stats.decodedvideo > first.stats.decodedvideo + 30 && later.stats.decodedaudio > first.stats.decodedaudio, `${what}: pictures and sound`,
      `${later.stats.decodedvideo} pictures, ${later.stats.decodedaudio} audio blocks by ${later.time} s`);
    for (const second of [40, 10]) {
      await status(`?command=seek&val=${second}`);
      // A player that lands elsewhere and runs past does not pass: the first time seen must be near.
      const landed = await until(`VLC lands at ${second} s in ${what}`, 30_000, async () => {
        const now = await status();
        return now.state === 'playing' && Math.abs(now.time - second) <= 3 && now;
      });
      const on = await until(`VLC plays on after ${second} s in ${what}`, 30_000, async () => {
        const now = await status();
        return now.time >= landed.time + 2 && now.stats.decodedvideo > landed.stats.decodedvideo && now;
      });
      check(true, `${what}: seek to ${second} s`, `landed at ${landed.time} s, on to ${on.time} s`);
    }
  } finally {
    await stop(child);
  }
}
