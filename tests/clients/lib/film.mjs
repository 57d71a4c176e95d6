// The films of the swarm tests: made once by ffmpeg, kept under target/test-media. 75 s of 1280x720 at about 11.5 Mbit/s: over 100 MB, so that prioritisation shows, and
// well below the 2 MB/s that one peer gives.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

export const FILM = { seconds: 75, rate: 24, frames: 1800, width: 1280, hertz: 440, square: 40 };

/** The second (modulo 64) as six bits beside a white and a black square, as in fixtures/README.md. */
export function bits(size) {
  const box = (column, colour, rest = '') => `drawbox=x=${column * size}:y=0:w=${size}:h=${size}:color=${colour}:t=fill${rest}`;
  const all = [`drawbox=x=0:y=0:w=${size * 8}:h=${size}:color=black:t=fill`, box(0, 'white')];
  for (let bit = 0; bit < 6; bit++) all.push(box(2 + bit, 'white', `:enable='mod(floor((t+0.001)/${1 << bit})\\,2)'`));
  return all.join(',');
}

export function ffmpeg(args) {
  execFileSync('ffmpeg', ['-nostdin', '-hide_banner', '-v', 'error', '-y', ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
}

/** Path of the film as `mkv` or `mp4` (its moov box at the end). */
export function film(folder, kind) {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `film-v3.${kind}`);
  if (existsSync(path)) return path;
  const unfinished = join(folder, `unfinished-${process.pid}.${kind}`);
  try {
    if (kind === 'mkv') {
      const picture = `testsrc2=size=1280x720:rate=${FILM.rate}:duration=${FILM.seconds},noise=alls=30:allf=t:all_seed=1,${bits(FILM.square)},format=yuv420p`;
      const sound = `sine=frequency=${FILM.hertz}:sample_rate=48000:duration=${FILM.seconds}`;
      ffmpeg(['-f', 'lavfi', '-i', picture, '-f', 'lavfi', '-i', sound, '-ac', '2', '-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-b:v', '11600k',
        '-maxrate', '11600k', '-bufsize', '11600k', '-g', '48', '-keyint_min', '48', '-sc_threshold', '0', '-c:a', 'aac', '-b:a', '128k', unfinished]);
    } else {
      ffmpeg(['-i', film(folder, 'mkv'), '-c', 'copy', '-f', kind, unfinished]);
    }
    renameSync(unfinished, path);
  } finally {
    rmSync(unfinished, { force: true });
  }
  if (statSync(path).size < 100e6) throw new Error(`${path} has only ${statSync(path).size} bytes`);
  return path;
}
