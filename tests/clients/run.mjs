// Runs one part: `node run.mjs PART`. Settings come from the environment, see ../run.
//   TORRENTSTREAM_BINARY  the program; TORRENTSTREAM_MEDIA  folder of the films; TORRENTSTREAM_SHOTS  where screenshots go
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { cleanUp } from './lib/process.mjs';
import { result } from './lib/check.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const settings = {
  binary: process.env.TORRENTSTREAM_BINARY ?? `${root}/target/release/torrentstream`,
  media: process.env.TORRENTSTREAM_MEDIA ?? `${root}/target/test-media`,
  shots: process.env.TORRENTSTREAM_SHOTS ?? `${root}/target/test-shots`,
  fixtures: `${root}/fixtures`,
};
mkdirSync(settings.shots, { recursive: true });

let good = true;
try {
  const part = await import(`./parts/${process.argv[2]}.mjs`);
  await part.default(settings, ...process.argv.slice(3));
} catch (error) {
  good = false;
  console.log(`  FAIL ${error.stack ?? error}`);
}
await cleanUp();
const { passed, failed } = result();
console.log(`  ${process.argv[2]}: ${passed} checks good, ${failed} bad${good ? '' : ', and it broke off'}`);
process.exit(good && failed === 0 && passed > 0 ? 0 : 1);
