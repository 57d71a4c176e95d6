// Counts what was checked; one line a check, so that a log shows what was proven and by which figures.
let failed = 0;
let passed = 0;
let captured = null;

export function check(good, what, details) {
  if (captured) {
    if (!good) captured.push(`${what} ${JSON.stringify(details ?? '')}`);
    return good;
  }
  good ? passed++ : failed++;
  console.log(`  ${good ? 'ok  ' : 'FAIL'} ${what}${details === undefined ? '' : `: ${typeof details === 'string' ? details : JSON.stringify(details)}`}`);
  return good;
}

/** The same value; the order of keys does not count. */
export function equal(got, wanted, what) {
  const [a, b] = [got, wanted].map((value) => JSON.stringify(sorted(value)));
  return check(a === b, what, a === b ? got : { got, wanted });
}

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
}

export const note = (what) => console.log(`       ${what}`);
export const result = () => ({ passed, failed });

/** Runs checks without counting them: {verdict: were all good?, lines: the bad ones}. */
export async function capture(run) {
  captured = [];
  try {
    await run();
  } catch (error) {
    captured.push(error.message);
  }
  const lines = captured;
  captured = null;
  return { verdict: lines.length === 0, lines };
}
