"""The command `vemre audit verify`, many times in one process: a process for each record would cost more than its work.

Reads {"record", "policy"} as lines of JSON and answers each with {"code", "output"}: what the command would end with
and write. `batch.mjs` does the same for the second verifier.
"""

from __future__ import annotations

import json
import sys

from click.testing import CliRunner

from vemre.cli.main import root


def main() -> None:
    runner = CliRunner()
    for line in sys.stdin:
        asked = json.loads(line)
        words = ["audit", "verify", asked["record"], "--policy", asked["policy"], "--json"]
        done = runner.invoke(root, words, prog_name="vemre")
        # Nothing ends with a code below zero: a fault of the program agrees with no verdict.
        broken = done.exception is not None and not isinstance(done.exception, SystemExit)
        answer = {"code": -1, "output": ""} if broken else {"code": done.exit_code, "output": done.stdout}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
