"""The `autograder` command: release, collect, grade, feedback, export, status, demo."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from autograder import grade, layout, release, returns
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
    three.add_argument("--student")
    three.add_argument("--workers", type=int, default=2)
    three.add_argument("--json", type=Path, metavar="FILE")
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
    args = parser.parse_args(argv)
    try:
        return run(args)
    except FTError as err:
        print(f"autograder {args.command}: {err}", file=sys.stderr)
        return 2


def run(args: argparse.Namespace) -> int:
    """Dispatch."""
    if args.command == "release":
        for path in release.release(args.exercises, args.out):
            print(path)
        return 0
    course = layout.Course(args.course)
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
        show(returns.grades(course))
    return 0


def collect_command(args: argparse.Namespace, course: layout.Course) -> int:
    """Collect, then say what happened to every file."""
    from autograder import collect

    report = collect.collect(args.path, course, args.exercise, args.pattern)
    if args.json:
        args.json.write_text(json.dumps(report.as_json(), indent=1, ensure_ascii=False) + "\n")
    show([vars(row) for row in report.rows])
    students = report.students
    print(f"{len(students)} submissions of {args.exercise} in {course.root / 'submitted'}")
    return 0 if students else 2


def grade_command(args: argparse.Namespace, course: layout.Course) -> int:
    """Grade with a progress bar; the results as a table and, if asked, as JSON."""
    from tqdm import tqdm

    layout.solution(args.exercise)
    students = course.students(args.exercise)
    for line in grade.ignored(course, args.exercise):
        print(f"left out: {line}", file=sys.stderr)
    total = 1 if args.student else len(students)
    with tqdm(total=total, desc="grading", disable=not sys.stderr.isatty()) as bar:
        results = grade.grade_class(
            course, args.exercise, args.student, args.workers, lambda _: bar.update() and None
        )
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")
    show(
        [
            {k: r[k] for k in ("student", "exercise", "outcome", "score", "max_score", "message")}
            for r in results
        ]
    )
    return 0


def demo_command(args: argparse.Namespace) -> int:
    """The instructor's cycle on the sample class, ending with where to look."""
    from autograder import demo

    course = demo.prepare(args.course)
    args.exercise, args.student, args.json = "lora", None, args.course / "results.json"
    print("grading six submissions; two of them at a time train a model, about a minute each")
    grade_command(args, course)
    pages = returns.feedback(course, "lora")
    returns.export(course, args.course / "grades.csv")
    print(f"gradebook  {course.root / 'gradebook.db'}\ngrades     {course.root / 'grades.csv'}")
    print(
        f"results    {args.json}\nfeedback   {pages[0].parent.parent.parent} ({len(pages)} pages)"
    )
    return 0


def show(rows: list[dict[str, object]]) -> None:
    """A table on the terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*(rows[0] if rows else ("nothing yet",)))
    for row in rows:
        table.add_row(*(Text("" if v is None else str(v)) for v in row.values()))
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
