// curl compares the ranges of /stream with the source, byte for byte (RFC 9110, section 14).
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { check, equal } from '../lib/check.mjs';
import { film } from '../lib/film.mjs';
import { scratch, stop } from '../lib/process.mjs';
import { seed } from '../lib/seeder.mjs';
import { add, serve } from '../lib/server.mjs';

export default async function ({ binary, media }) {
  const source = film(media, 'mkv');
  const size = statSync(source).size;
  const swarm = await seed(source);
  const server = await serve(binary);
  const status = await add(server, swarm);
  const url = `${server.base}/stream/${swarm.infoHash}/0`;
  const folder = scratch('curl');

  function curl(address, ...args) {
    const [head, body] = [join(folder, 'head'), join(folder, 'body')];
    execFileSync('curl', ['-sS', '--noproxy', '*', '--max-time', '120', '-D', head, '-o', body, ...args, address]);
    const [first, ...lines] = readFileSync(head, 'latin1').trim().split('\r\n');
    const headers = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
    return { status: Number(first.split(' ')[1]), headers, body };
  }
  const file = openSync(source, 'r');
  const original = (from, length) => {
    const buffer = Buffer.alloc(length);
    readSync(file, buffer, 0, length, from);
    return buffer;
  };
  const range = (spec) => curl(url, '-H', `Range: ${spec}`);

  const head = curl(url, '--head');
  equal([head.status, head.headers['content-length'], head.headers['accept-ranges'], head.headers['content-type']], [200, String(size), 'bytes', 'video/x-matroska'], 'HEAD');
  check(/^"[^"]+"$/.test(head.headers.etag ?? ''), 'a strong ETag', head.headers.etag);
  equal([...curl(`${server.base}/stream/${swarm.infoHash}/auto`, '--head').headers['content-length']].join(''), String(size), 'HEAD of auto');

  const singles = [
    ['bytes=0-1', 0, 2], ['bytes=0-0', 0, 1], ['bytes=1048575-1048576', 1048575, 2], ['bytes=7000000-9999999', 7000000, 3000000],
    [`bytes=${size - 1}-`, size - 1, 1], ['bytes=-1', size - 1, 1], ['bytes=-1000000', size - 1000000, 1000000], [`bytes=${size - 3000000}-`, size - 3000000, 3000000],
    [`bytes=${size - 5}-${size + 100}`, size - 5, 5], ['bytes= 10-19', 10, 10],
  ];
  for (const [spec, from, length] of singles) {
    const got = range(spec);
    const same = got.status === 206 && readFileSync(got.body).equals(original(from, length));
    check(same && got.headers['content-range'] === `bytes ${from}-${from + length - 1}/${size}` && got.headers['content-length'] === String(length), spec,
      `${got.status} ${got.headers['content-range']}`);
  }
  const whole = range(`bytes=-${size + 10}`);
  check(whole.status === 206 && whole.headers['content-range'] === `bytes 0-${size - 1}/${size}`, 'a suffix longer than the file is the file', whole.headers['content-range']);

  const several = range('bytes=0-9,5000000-5000099,-7');
  const boundary = /^multipart\/byteranges; *boundary="?([^"]+)"?$/i.exec(several.headers['content-type'] ?? '')?.[1];
  const parts = boundary ? multipart(readFileSync(several.body), boundary) : [];
  equal(parts.map((part) => part.range), [`bytes 0-9/${size}`, `bytes 5000000-5000099/${size}`, `bytes ${size - 7}-${size - 1}/${size}`], 'several ranges');
  check(parts.length === 3 && parts[0].bytes.equals(original(0, 10)) && parts[1].bytes.equals(original(5000000, 100)) && parts[2].bytes.equals(original(size - 7, 7)), 'several ranges: bytes');

  for (const spec of [`bytes=${size}-`, `bytes=${size + 5}-${size + 9}`, 'bytes=-0']) {
    const got = range(spec);
    equal([got.status, got.headers['content-range']], [416, `bytes */${size}`], spec);
  }
  for (const spec of ['bytes=9-5', 'bytes=abc', 'lines=0-1']) equal(curl(url, '--head', '-H', `Range: ${spec}`).status, 200, `${spec} is ignored`);

  const etag = head.headers.etag;
  equal(curl(url, '-H', 'Range: bytes=0-1', '-H', `If-Range: ${etag}`).status, 206, 'If-Range with this ETag');
  equal(curl(url, '--head', '-H', 'Range: bytes=0-1', '-H', 'If-Range: "another"').status, 200, 'If-Range with another ETag');
  equal(curl(url, '-H', `If-None-Match: ${etag}`).status, 304, 'If-None-Match');
  const named = curl(`${url}/${encodeURIComponent(status.name)}`, '-H', 'Range: bytes=100-199');
  check(named.status === 206 && readFileSync(named.body).equals(original(100, 100)), 'the address with the name');

  const all = curl(url);
  check(all.status === 200 && all.headers['content-length'] === String(size), 'without Range', all.status);
  let same = true;
  const copy = openSync(all.body, 'r');
  for (let at = 0; same && at < size; at += 1 << 22) {
    const length = Math.min(1 << 22, size - at);
    const buffer = Buffer.alloc(length);
    same = readSync(copy, buffer, 0, length, at) === length && buffer.equals(original(at, length));
  }
  closeSync(copy);
  check(same, `the whole file is the source, all ${size} bytes`);
  await stop(server.child);
  await stop(swarm.process);
}

/** Parts of a multipart/byteranges body, read strictly. */
function multipart(body, boundary) {
  const parts = [];
  const delimiter = Buffer.from(`--${boundary}`);
  let at = body.indexOf(delimiter);
  while (at >= 0) {
    at += delimiter.length;
    if (body.subarray(at, at + 2).toString() === '--') return parts;
    const gap = body.indexOf('\r\n\r\n', at);
    const next = body.indexOf(Buffer.concat([Buffer.from('\r\n'), delimiter]), gap);
    if (gap < 0 || next < 0) return [];
    const header = body.subarray(at, gap).toString();
    parts.push({ range: /content-range: *(.*)/i.exec(header)?.[1].trim(), bytes: body.subarray(gap + 4, next) });
    at = next + 2;
  }
  return [];
}
