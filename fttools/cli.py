"""The `fttools` command. Each subcommand is a module of `fttools.commands`."""

from __future__ import annotations

import argparse
import json
import sys
from importlib import import_module

from fttools.errors import FTError

COMMANDS = ("doctor", "count", "advise", "estimate", "measure", "validate")


def main(argv: list[str] | None = None) -> int:
    """Run one subcommand; a failure with a known remedy prints it and exits with 2."""
    parser = argparse.ArgumentParser(prog="fttools", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        import_module(f"fttools.commands.{name}").add_parser(commands)
    args = parser.parse_args(argv)
    args.words = sys.argv[1:] if argv is None else argv
    try:
        return int(args.run(args))
    except FTError as err:
        if getattr(args, "json", False):
            print(json.dumps({"error": err.message, "remedy": err.remedy}))
        else:
            print(f"fttools {args.command}: {err}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
