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

export const equal = (got, wanted, what) =>
  check(JSON.stringify(got) === JSON.stringify(wanted), what, JSON.stringify(got) === JSON.stringify(wanted) ? got : { got, wanted });

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
