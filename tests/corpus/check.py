"""Runs `torrentstream probe` and `torrentstream remux` over films and compares what comes out with the film itself (see compare.py).

    check.py --binary target/release/torrentstream [--fixtures DIR] [--corpus DIR] [--only TEXT] [--jobs N]

expected.tsv says for each file what must happen: `plays` (the whole presentation is checked, and once more in fragmented MP4), `range-only` (probe says that HLS is not possible, and why) or
`broken` (probe or remux ends with an error message). Its last column names checks that a file cannot pass, with the reason before it. Any difference from that table fails the
run: also a file that does better than the table says, or is not in it.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import compare

HERE = Path(__file__).parent
LIMIT = 60  # seconds for one run of the program
MEMORY = 2 << 30  # bytes of address space for one run of the program
MEDIA = {".mp4", ".mkv", ".mov", ".webm"}


class Mishap(Exception):
    """The program did what it must never do: a panic, a hang, a wrong status."""


def run(binary, *arguments):
    limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))  # noqa: E731
    try:
        out = subprocess.run([binary, *arguments], capture_output=True, stdin=subprocess.DEVNULL, timeout=LIMIT, preexec_fn=limit)
    except subprocess.TimeoutExpired:
        raise Mishap(f"{arguments[0]} still runs after {LIMIT} s") from None
    errors = out.stderr.decode(errors="replace").strip()
    if out.returncode < 0 or out.returncode == 101 or "panicked at" in errors:
        raise Mishap(f"{arguments[0]} ended with {out.returncode}: {errors[-300:]}")
    return out.returncode, out.stdout, errors


def verdict(binary, path):
    """(verdict, reason, faults of the presentation by check)."""
    status, out, errors = run(binary, "probe", "--json", str(path))
    if status != 0:
        if not errors:
            raise Mishap(f"probe ended with {status} and no message")
        return "broken", errors.splitlines()[-1], {}
    probe = json.loads(out)
    if not probe["hls"]["possible"]:
        if not probe["hls"].get("reason"):
            raise Mishap("probe gives no reason")
        return "range-only", probe["hls"]["reason"], {}
    all_faults = {}
    # As the program packs it by itself, and in fragmented MP4, which holds everything.
    for options in ([], ["--container", "fmp4"]):
        if options and probe["hls"].get("container") == "fmp4":
            break
        with tempfile.TemporaryDirectory() as scratch:
            status, _, errors = run(binary, "remux", "--quiet", *options, str(path), "-o", scratch)
            if status != 0:
                # The index may be good and the media not.
                if not errors:
                    raise Mishap(f"remux ended with {status} and no message")
                return "broken", errors.splitlines()[-1], {}
            for name, found in compare.check(scratch, path, probe).items():
                all_faults.setdefault(name, []).extend(found)
    return "plays", "", all_faults


def judge(binary, name, path, expected):
    """(good?, line for the table)."""
    wanted, _why, exceptions = expected
    try:
        got, reason, faults = verdict(binary, path)
    except (Mishap, json.JSONDecodeError, KeyError, subprocess.TimeoutExpired) as error:
        return False, f"{name}\tFAULT\t{type(error).__name__} {error}"
    problems = []
    if got != wanted:
        problems.append(f"expected {wanted}")
    for check, found in faults.items():
        if found and check not in exceptions:
            problems.append(f"{check}: {found[0]}" + (f" (and {len(found) - 1} more)" if len(found) > 1 else ""))
        elif not found and check in exceptions:
            problems.append(f"{check} is well now: take it out of expected.tsv")
    return not problems, f"{name}\t{got}\t{'; '.join(problems) or reason or ('but for ' + ', '.join(exceptions) if exceptions else '')}"


def table():
    rows = {}
    for line in (HERE / "expected.tsv").read_text().splitlines():
        if line and not line.startswith("#"):
            name, wanted, why, exceptions = (line.split("\t") + ["", ""])[:4]
            rows[name] = (wanted, why, [check for check in exceptions.split(",") if check])
    return rows


def films(arguments):
    if arguments.fixtures:
        for path in sorted(arguments.fixtures.iterdir()):
            if path.suffix in MEDIA:
                yield f"fixtures/{path.name}", path
    if arguments.corpus:
        for line in (arguments.corpus / "INDEX.tsv").read_text().splitlines()[1:]:
            name = line.split("\t")[0]
            yield name, arguments.corpus / name


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--fixtures", type=Path)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--only", default="", help="only files whose name contains this")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    expected = table()
    work = [(name, path) for name, path in films(arguments) if arguments.only in name]
    with ThreadPoolExecutor(arguments.jobs) as pool:
        results = []
        for good, line in pool.map(lambda item: judge(arguments.binary, *item, expected.get(item[0], ("a row in expected.tsv", "", []))), work):
            results.append((good, line))
            print("ok  " if good else "FAIL", line, sep="\t", flush=True)
    bad = sum(not good for good, _ in results)
    plays = sum(line.split("\t")[1] == "plays" for good, line in results if good)
    print(f"{len(results)} files: {plays} play and equal their source, {len(results) - plays - bad} are refused as expected, {bad} differ from expected.tsv")
    return 1 if bad or not results else 0


if __name__ == "__main__":
    sys.exit(main())
