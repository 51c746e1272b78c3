#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fault_table.py FILE: the fault table of docs/reliability.md, from the lines that the tests wrote.

FILE is what DDL_FAULT_TABLE named while tests ran; lines of one fault and way are added up.
"""
import json
import sys

COUNTS = ["lost", "doubled", "restarted", "orphaned", "stuck"]


def read_rows(path):
    rows = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            told = json.loads(line)
            row = rows.setdefault((told["fault"], told["how"]), {})
            for name in ["runs", *COUNTS]:
                if name in told:
                    row[name] = row.get(name, 0) + told[name]
    return rows


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print("| fault | how it was made | runs | " + " | ".join(COUNTS) + " |")
    print("|---" * (3 + len(COUNTS)) + "|")
    for (fault, how), row in read_rows(sys.argv[1]).items():
        cells = [fault, how, f"{row['runs']:,}"] + [str(row.get(name, "")) for name in COUNTS]
        print("| " + " | ".join(cells) + " |")


main()
