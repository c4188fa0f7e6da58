"""Runs the checks and counts them. Nothing is skipped: a skipped test fails the run, and so does an empty count."""

import pathlib
import sys
import unittest

from tests.emulators.checks import BOOTSTRAP, Checks

# Each has to have been asked something.
SOURCES = ["moto's tokens", "SAM's gateway", "cargo-lambda"]
# Outcomes that are no refusal.
LET_THROUGH = {"allowed", "200"}


def main() -> int:
    if not BOOTSTRAP.exists():
        sys.exit(f"no {BOOTSTRAP}: run .ci/emulators, which builds it, or name an executable in BOOTSTRAP")
    suite = unittest.defaultTestLoader.discover(str(pathlib.Path(__file__).parent))
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    for source in SOURCES:
        counts = {outcome: number for (of, outcome), number in sorted(Checks.tally.items()) if of == source}
        told = ", ".join(f"{outcome}: {number}" for outcome, number in counts.items())
        print(f"{source}: {sum(counts.values())} checks ({told})")
    refused = sum(number for (_, outcome), number in Checks.tally.items() if outcome not in LET_THROUGH)
    print(f"{Checks.tally.total()} checks, {refused} refused as they should be")
    asked = {source for source, _ in Checks.tally}
    return 0 if result.wasSuccessful() and not result.skipped and asked == set(SOURCES) else 1


if __name__ == "__main__":
    sys.exit(main())
