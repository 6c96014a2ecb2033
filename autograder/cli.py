"""The `autograder` command: release, collect, grade, feedback, export, status, doctor, demo."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from autograder import cluster, grade, layout, policy, progress, release, returns
from fttools.errors import FTError


def main(argv: list[str] | None = None) -> int:
    """Run one subcommand; a failure with a known remedy prints it and exits with 2."""
    parser = argparse.ArgumentParser(prog="autograder", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    one = commands.add_parser("release", help="write the learners' notebooks")
    one.add_argument("exercises", nargs="*")
    one.add_argument("--out", type=Path, required=True)
    two = commands.add_parser("collect", help="take notebooks into a course folder")
    two.add_argument("path", type=Path, help="a folder, an LMS's zip, or one STUDENT.ipynb")
    two.add_argument("--exercise", required=True)
    two.add_argument("--course", type=Path, required=True)
    two.add_argument("--pattern", help="regular expression with (?P<student>…), for other names")
    two.add_argument("--json", type=Path, metavar="FILE", help="what happened to every file")
    three = commands.add_parser("grade", help="grade a class")
    three.add_argument("exercise")
    three.add_argument("--course", type=Path, required=True)
    three.add_argument("--student", help="only this one")
    three.add_argument("--force", action="store_true", help="grade again what is up to date")
    three.add_argument("--json", type=Path, metavar="FILE", help="results as JSON; - for stdout")
    where = three.add_argument_group("where it runs")
    where.add_argument("--workers", type=int, help="local workers (as many as fit)")
    where.add_argument("--threads", type=int, help="threads of each worker")
    where.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler")
    for name in ("ca", "cert", "key"):
        where.add_argument(f"--tls-{name}", type=Path, metavar="FILE", help="for tls:// schedulers")
    bounds = three.add_argument_group("limits of one submission")
    bounds.add_argument("--memory", type=int, metavar="MB", help="memory (4096)")
    bounds.add_argument("--cell-seconds", type=float, metavar="S", help="one cell (600)")
    bounds.add_argument("--seconds", type=float, metavar="S", help="the whole submission (1800)")
    three.add_argument(
        "--unsafe-no-sandbox", action="store_true",
        help="run submissions unprotected, as your own user: only your own code",
    )  # fmt: skip
    four = commands.add_parser("feedback", help="write the learners' feedback pages")
    four.add_argument("exercise")
    four.add_argument("--course", type=Path, required=True)
    five = commands.add_parser("export", help="grades as CSV")
    five.add_argument("--course", type=Path, required=True)
    five.add_argument("--to", type=Path, required=True)
    six = commands.add_parser("status", help="who is graded")
    six.add_argument("--course", type=Path, required=True)
    seven = commands.add_parser("demo", help="grade a sample class of six")
    seven.add_argument("--course", type=Path, default=Path("demo"))
    seven.add_argument("--workers", type=int, default=2)
    nine = commands.add_parser("init", help="make a folder nbgrader and formgrader work in")
    nine.add_argument("--course", type=Path, required=True)
    eight = commands.add_parser("doctor", help="try the sandbox on this machine")
    eight.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    try:
        return run(args)
    except FTError as err:
        print(f"autograder {args.command}: {err}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        resumes = " The same command goes on from here." if args.command == "grade" else ""
        print(f"autograder {args.command}: stopped.{resumes}", file=sys.stderr)
        return 130


def run(args: argparse.Namespace) -> int:
    """Dispatch."""
    if args.command == "release":
        for path in release.release(args.exercises, args.out):
            print(path)
        return 0
    if args.command == "doctor":
        return doctor_command(args)
    course = layout.Course(args.course)
    if args.command == "init":
        from autograder import steps

        print(steps.init(course))
        return 0
    if args.command == "demo":
        return demo_command(args)
    if args.command == "collect":
        return collect_command(args, course)
    if args.command == "grade":
        return grade_command(args, course)
    if args.command == "feedback":
        for path in returns.feedback(course, args.exercise):
            print(path)
    elif args.command == "export":
        print(f"{returns.export(course, args.to)} rows in {args.to}")
    else:
        progress.show(returns.grades(course))
    return 0


def collect_command(args: argparse.Namespace, course: layout.Course) -> int:
    """Collect, then say what happened to every file."""
    from autograder import collect

    report = collect.collect(args.path, course, args.exercise, args.pattern)
    if args.json:
        args.json.write_text(json.dumps(report.as_json(), indent=1, ensure_ascii=False) + "\n")
    progress.show([vars(row) for row in report.rows])
    students = report.students
    print(f"{len(students)} submissions of {args.exercise} in {course.root / 'submitted'}")
    return 0 if students else 2


def grade_command(args: argparse.Namespace, course: layout.Course) -> int:
    """Grade with a live board; the results as a table and, if asked, as JSON."""
    layout.solution(args.exercise)
    students = course.students(args.exercise)
    for line in grade.ignored(course, args.exercise):
        print(f"left out: {line}", file=sys.stderr)
    to_stdout = str(args.json) == "-"
    with progress.live(1 if args.student else len(students), quiet=to_stdout) as board:
        results = grade.grade_class(
            course, args.exercise, args.student, args.workers, board.add, **options(args)
        )
    text = json.dumps(results, indent=1) + "\n"
    if to_stdout:
        print(text, end="")
        return 0
    if args.json:
        args.json.write_text(text)
    columns = ("student", "exercise", "outcome", "score", "max_score", "message")
    progress.show([{k: short(r[k]) for k in columns} for r in results])
    return 0


def short(value: object) -> object:
    """The first line of a message."""
    return value.partition("\n")[0] if isinstance(value, str) else value


def options(args: argparse.Namespace) -> dict[str, Any]:
    """The options of `grade` as grade_class takes them; those that a caller lacks are left out."""
    given = vars(args)
    limits = {name: given.get(name) for name in ("cell_seconds", "seconds")}
    limits["memory"] = (given.get("memory") or 0) * policy.MB or None
    tls: list[Any] = [given.get(f"tls_{name}") for name in ("ca", "cert", "key")]
    if any(tls) and not all(tls):
        raise cluster.NoScheduler(
            "A TLS connection needs three files.", "--tls-ca --tls-cert --tls-key"
        )
    return {
        "scheduler": given.get("scheduler"),
        "tls": cluster.Tls(*map(Path, tls)) if all(tls) else None,
        "force": given.get("force", False),
        "unsafe": given.get("unsafe_no_sandbox", False),
        "threads": given.get("threads"),
        "limits": policy.Limits(**{k: v for k, v in limits.items() if v is not None}),
    }


def doctor_command(args: argparse.Namespace) -> int:
    """Every promise of the sandbox, tried; exits with 1 where one is broken."""
    from autograder import doctor
    from autograder.worker import Settings

    found = doctor.examine(Settings())
    if args.json:
        print(json.dumps(found, indent=1))
    else:
        progress.show([{"kernel": row["kernel"], "promise": row["promise"],
                        "kept": "yes" if row["kept"] else "NO", "seen": row["seen"]}
                       for row in found["trials"]])  # fmt: skip
        by = found["limits_by"]
        print(f"memory limited by {by['memory']}, processes by {by['processes']}, processors "
              f"shared out by {by['processors']}; "
              f"bubblewrap {found['machine']['bubblewrap'] or 'missing'}")  # fmt: skip
        print("grading is safe to start" if found["ok"] else "grading will refuse to start here")
    return 0 if found["ok"] else 1


def demo_command(args: argparse.Namespace) -> int:
    """The instructor's cycle on the sample class, ending with where to look."""
    from autograder import demo
    from autograder.worker import Refused

    course = demo.prepare(args.course)
    args.exercise, args.student, args.json = "lora", None, args.course / "results.json"
    print("grading a sample class of six; five of them train a model, about a minute each")
    try:
        grade_command(args, course)
    except Refused as err:
        # The class below is the course's own code, so the demo may go on; real grading may not.
        print(f"{err}\nThis machine has no working sandbox. The sample class is this project's own "
              "code, so the demo grades it unprotected.", file=sys.stderr)  # fmt: skip
        args.unsafe_no_sandbox = True
        grade_command(args, course)
    pages = returns.feedback(course, "lora")
    returns.export(course, args.course / "grades.csv")
    print("\nin the gradebook:")
    progress.show(returns.grades(course))
    for what, where in (("gradebook", course.root / "gradebook.db"),
                        ("grades", course.root / "grades.csv"), ("results", args.json),
                        ("feedback", pages[0].parent.parent.parent)):  # fmt: skip
        print(f"{what:10} {where}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
