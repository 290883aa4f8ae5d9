#!/usr/bin/env python3
"""Prints a time limit in seconds: slurm_time.py LIMIT, in the forms that sbatch takes (MM, MM:SS, HH:MM:SS, D-HH, D-HH:MM,
D-HH:MM:SS). Exit code 2 for anything else, and for no time at all."""
import re
import sys

FORM = re.compile(r"(?:(?P<days>\d+)-(?P<hours>\d+)(?::(?P<minutes>\d+)(?::(?P<seconds>\d+))?)?"
                  r"|(?P<long>\d+:\d+:\d+)|(?P<short>\d+(?::\d+)?))")


def seconds_of(text):
    """None where it is no time limit."""
    match = FORM.fullmatch(text)
    if not match:
        return None
    if match["days"] is not None:
        days, hours, minutes, seconds = (int(match[name] or 0) for name in ("days", "hours", "minutes", "seconds"))
    else:
        days = 0
        fields = [int(field) for field in text.split(":")]
        hours, minutes, seconds = fields if len(fields) == 3 else [0, *fields, 0][:3]
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


if __name__ == "__main__":
    found = seconds_of(sys.argv[1]) if len(sys.argv) == 2 else None
    if not found:
        sys.exit(2)
    print(found)
