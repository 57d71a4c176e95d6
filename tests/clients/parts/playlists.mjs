// Every playlist that `remux` writes is read by hls-parser, which is strict, and all that the playlists name is there.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import HLS from 'hls-parser';
import { check } from '../lib/check.mjs';
import { scratch } from '../lib/process.mjs';

HLS.setOptions({ strictMode: true });

export default async function ({ binary, fixtures }) {
  const films = readdirSync(fixtures).filter((name) => /\.(mp4|mov|mkv|webm)$/.test(name)).sort();
  const folders = scratch('playlists');
  let read = 0;
  for (const film of films) {
    const folder = mkdtempSync(join(folders, 'film-'));
    try {
      execFileSync(binary, ['remux', join(fixtures, film), '-o', folder], { stdio: 'ignore' });
    } catch {
      continue; // Not every film can be played; which ones is another test's matter.
    }
    read += 1;
    const bad = problems(folder);
    check(bad.length === 0, `${film}: all playlists`, bad.length === 0 ? undefined : bad);
  }
  check(read > 30, 'films with playlists', read);
}

/** What is wrong with the playlists of a folder, beginning with the multivariant one. */
export function problems(folder) {
  const bad = [];
  const load = (name) => {
    try {
      return HLS.parse(readFileSync(join(folder, name), 'utf8'));
    } catch (error) {
      bad.push(`${name}: ${error.message}`);
      return null;
    }
  };
  const master = load('master.m3u8');
  if (!master) return bad;
  if (!master.isMasterPlaylist || master.variants.length === 0) bad.push('no variant');
  const names = new Set();
  for (const variant of master.variants) {
    names.add(variant.uri);
    for (const media of [...variant.audio, ...variant.subtitles]) if (media.uri) names.add(media.uri);
    if (!variant.codecs || !(variant.bandwidth >= variant.averageBandwidth)) bad.push(`${variant.uri}: CODECS or BANDWIDTH`);
    for (const kind of ['audio', 'subtitles']) {
      const titles = variant[kind].map((media) => media.name);
      if (new Set(titles).size !== titles.length) bad.push(`${variant.uri}: names of ${kind} are not told apart`);
      if (variant[kind].filter((media) => media.isDefault).length > 1) bad.push(`${variant.uri}: two defaults of ${kind}`);
    }
  }
  for (const data of master.sessionDataList) if (data.uri) JSON.parse(readFileSync(join(folder, data.uri), 'utf8'));
  let first = null;
  for (const name of names) {
    const list = load(name);
    if (!list) continue;
    const total = list.segments.reduce((sum, segment) => sum + segment.duration, 0);
    first ??= { total, target: list.targetDuration, count: list.segments.length };
    if (list.playlistType !== 'VOD' || !list.endlist) bad.push(`${name}: not VOD`);
    if (list.targetDuration !== first.target || list.segments.length !== first.count || Math.abs(total - first.total) > 1e-3) {
      bad.push(`${name}: differs in length from the others`);
    }
    const files = list.segments.flatMap((segment) => [segment.uri, segment.map?.uri ?? segment.uri]);
    const missing = files.filter((file) => !existsSync(join(folder, file)));
    if (missing.length > 0) bad.push(`${name}: ${missing.length} files missing, such as ${missing[0]}`);
  }
  return bad;
}
