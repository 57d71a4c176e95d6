// Transmission as the only peer of a swarm on loopback: no DHT, no LSD, no PEX, no uTP, no tracker; whoever wants it gets its address in the magnet (x.pe).
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { freePort, scratch, start, until } from './process.mjs';

/** Seeds `file`. `limit` is KB/s, 0 for none; `piece` is KiB. Gives {magnet, infoHash, torrent, pieceBytes, process}. */
export async function seed(file, { limit = 0, piece = 1024 } = {}) {
  const folder = scratch('seeder');
  const data = join(folder, 'data');
  mkdirSync(data);
  symlinkSync(file, join(data, basename(file)));
  const torrent = join(folder, 'film.torrent');
  execFileSync('transmission-create', ['-s', String(piece), '-o', torrent, file], { stdio: 'ignore' });
  const [peerPort, rpcPort] = [await freePort(), await freePort()];
  const config = join(folder, 'config');
  mkdirSync(config);
  writeFileSync(
    join(config, 'settings.json'),
    JSON.stringify({
      'bind-address-ipv4': '127.0.0.1', 'bind-address-ipv6': '::1', 'dht-enabled': false, 'lpd-enabled': false, 'pex-enabled': false, 'utp-enabled': false,
      'port-forwarding-enabled': false, 'peer-port': peerPort, 'peer-port-random-on-start': false, encryption: 0, 'download-dir': data,
      'rpc-enabled': true, 'rpc-port': rpcPort, 'rpc-bind-address': '127.0.0.1', 'rpc-whitelist-enabled': false, 'rpc-authentication-required': false,
      'speed-limit-up': limit, 'speed-limit-up-enabled': limit > 0, 'upload-slots-per-torrent': 14, 'ratio-limit-enabled': false, 'idle-seeding-limit-enabled': false,
    }),
  );
  const daemon = start('transmission-daemon', ['--foreground', '--config-dir', config, '--log-error']);
  let session = '';
  async function rpc(method, args) {
    const ask = () =>
      fetch(`http://127.0.0.1:${rpcPort}/transmission/rpc`, {
        method: 'POST', headers: { 'X-Transmission-Session-Id': session }, body: JSON.stringify({ method, arguments: args }),
      });
    let answer = await ask();
    if (answer.status === 409) {
      session = answer.headers.get('x-transmission-session-id');
      answer = await ask();
    }
    return (await answer.json()).arguments;
  }
  await until('Transmission answers', 20_000, () => rpc('session-get', {}));
  const added = await rpc('torrent-add', { filename: torrent, 'download-dir': data });
  const infoHash = added['torrent-added'].hashString;
  // Status 6: it has checked the file and seeds.
  await until('Transmission seeds', 60_000, async () => {
    const state = (await rpc('torrent-get', { fields: ['status', 'percentDone', 'errorString'] })).torrents[0];
    if (state.errorString) throw new Error(state.errorString);
    return state.status === 6 && state.percentDone === 1;
  });
  const magnet = `magnet:?xt=urn:btih:${infoHash}&dn=${encodeURIComponent(basename(file))}&x.pe=127.0.0.1:${peerPort}`;
  return { magnet, infoHash, torrent, pieceBytes: piece * 1024, process: daemon };
}
