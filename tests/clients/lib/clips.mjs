// Films of 60 s in the codecs that go into fragmented MP4, and one with several sounds and subtitles: small (about 1 Mbit/s), made once by ffmpeg and kept
// beside the films of film.mjs.
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bits, ffmpeg } from './film.mjs';

export const CLIP = { seconds: 60, rate: 24, frames: 1440, width: 640, height: 360 };

const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-b:v', '900k', '-g', '48', '-keyint_min', '48', '-sc_threshold', '0'];
const KINDS = {
  hevc: { ending: 'mkv', video: ['-c:v', 'libx265', '-preset', 'ultrafast', '-b:v', '700k', '-x265-params', 'keyint=48:min-keyint=48:scenecut=0:log-level=error'], audio: ['-c:a', 'aac', '-b:a', '96k'] },
  av1: { ending: 'mkv', video: ['-c:v', 'libsvtav1', '-preset', '12', '-b:v', '600k', '-g', '48'], audio: ['-c:a', 'libopus', '-b:a', '64k'] },
  vp9: { ending: 'webm', video: ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '700k', '-g', '48'], audio: ['-c:a', 'libopus', '-b:a', '64k'] },
  flac: { ending: 'mkv', video: X264, audio: ['-c:a', 'flac'] },
  // Two sounds an octave apart and two subtitles; see SUBTITLES for what they say.
  tracks: { ending: 'mkv', video: X264, audio: ['-c:a', 'aac', '-b:a', '96k'] },
};

/** What the subtitles of `tracks` say in second n: one cue a second, from n + 0.1 to n + 0.9 s. */
export const SUBTITLES = { eng: (second) => `Line ${second}`, deu: (second) => `Zeile ${second}` };

function subtitles(folder) {
  const pad = (value) => String(value).padStart(2, '0');
  const clock = (second, rest) => `00:00:${pad(second)},${rest}`;
  return Object.entries(SUBTITLES).map(([language, line]) => {
    const path = join(folder, `clip-${language}.srt`);
    const cues = [...Array(CLIP.seconds).keys()].map((n) => `${n + 1}\n${clock(n, '100')} --> ${clock(n, '900')}\n${line(n)}\n`);
    writeFileSync(path, cues.join('\n'));
    return path;
  });
}

/** Path of the clip of that kind. */
export function clip(folder, kind) {
  mkdirSync(folder, { recursive: true });
  const { ending, video, audio } = KINDS[kind];
  const path = join(folder, `clip-${kind}-v1.${ending}`);
  if (existsSync(path)) return path;
  const unfinished = join(folder, `unfinished-${process.pid}.${ending}`);
  const lavfi = (text) => ['-f', 'lavfi', '-i', text];
  const picture = `testsrc2=size=${CLIP.width}x${CLIP.height}:rate=${CLIP.rate}:duration=${CLIP.seconds},${bits(CLIP.width / 32)},format=yuv420p`;
  const tone = (hertz) => `sine=frequency=${hertz}:sample_rate=48000:duration=${CLIP.seconds}`;
  const several = kind === 'tracks';
  const inputs = [...lavfi(picture), ...lavfi(tone(440)), ...(several ? [...lavfi(tone(880)), ...subtitles(folder).flatMap((file) => ['-i', file])] : [])];
  const maps = several
    ? ['-map', '0', '-map', '1', '-map', '2', '-map', '3', '-map', '4', '-c:s:0', 'srt', '-c:s:1', 'ass', '-metadata:s:a:0', 'language=eng', '-metadata:s:a:1', 'language=fre',
        '-metadata:s:s:0', 'language=eng', '-metadata:s:s:1', 'language=ger', '-disposition:a:0', 'default', '-disposition:a:1', '0', '-disposition:s:0', '0', '-disposition:s:1', '0']
    : [];
  try {
    ffmpeg([...inputs, ...maps, '-ac', '2', ...video, ...audio, unfinished]);
    renameSync(unfinished, path);
  } finally {
    rmSync(unfinished, { force: true });
  }
  return path;
}
