// Watches mpv through its JSON IPC: picture and sound go on, seeks land.
import { connect } from 'node:net';
import { join } from 'node:path';
import { check } from './check.mjs';
import { scratch, start, stop, until } from './process.mjs';

export async function watchWithMpv(what, url, { seconds, rate, width }) {
  const path = join(scratch('mpv'), 'socket');
  const child = start('mpv', ['--no-config', '--vo=null', '--ao=null', '--no-ytdl', '--load-scripts=no', `--input-ipc-server=${path}`, url]);
  let socket;
  try {
    socket = await until('mpv listens', 20_000, () => new Promise((resolve, reject) => {
      const opened = connect(path, () => resolve(opened));
      opened.on('error', reject);
    }));
    socket.on('error', () => {});
    const ask = asker(socket);
    const get = async (name) => (await ask(['get_property', name])).data;
    const first = await until(`mpv plays ${what}`, 40_000, async () => (await get('playback-time')) > 0.5 && get('playback-time'));
    const length = await get('duration');
    check(Math.abs(length - seconds) < 0.5, `${what}: length`, `${length} s`);
    const [video, audio] = [await get('video-params'), await get('audio-params')];
    check(video?.w === width && audio?.samplerate === 48000, `${what}: picture and sound`, `${video?.w}x${video?.h}, ${audio?.samplerate} Hz, ${audio?.['channel-count']} channels`);
    const later = await until(`mpv goes on in ${what}`, 20_000, async () => (await get('time-pos')) >= first + 3 && get('time-pos'));
    const [pictures, sound] = [await get('estimated-frame-number'), await get('audio-pts')];
    check(Math.abs(pictures - later * rate) < rate && Math.abs(sound - later) < 1, `${what}: both tracks go on`, `frame ${pictures}, sound at ${sound} s, clock ${later} s`);
    for (const second of [40, 10]) {
      await ask(['seek', second, 'absolute+exact']);
      const landed = await until(`mpv lands at ${second} s in ${what}`, 30_000, async () => {
        const now = await get('time-pos');
        return !(await get('seeking')) && Math.abs(now - second) < 2 && now;
      });
      const on = await until(`mpv plays on after ${second} s in ${what}`, 30_000, async () => (await get('time-pos')) > landed + 2 && (await get('audio-pts')) > landed + 1 && get('time-pos'));
      check(true, `${what}: seek to ${second} s`, `landed at ${landed.toFixed(2)} s, on to ${on.toFixed(2)} s`);
    }
  } finally {
    socket?.destroy();
    await stop(child);
  }
}

/** A function that sends a command to mpv and gives its answer. */
function asker(socket) {
  const waiting = new Map();
  let [number, rest] = [0, ''];
  socket.on('data', (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const message = JSON.parse(line);
      waiting.get(message.request_id)?.(message);
      waiting.delete(message.request_id);
    }
  });
  return (command) =>
    new Promise((resolve, reject) => {
      const id = ++number;
      waiting.set(id, resolve);
      setTimeout(() => waiting.delete(id) && reject(new Error(`mpv does not answer ${command}`)), 5000).unref();
      socket.write(`${JSON.stringify({ command, request_id: id })}\n`);
    });
}
