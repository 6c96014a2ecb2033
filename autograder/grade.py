"""Grade a class: workers run submissions side by side, one writer keeps journal and gradebook."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import asdict
from functools import partial
from typing import Any

from autograder import cluster, gradebook, journal, submissions
from autograder.layout import Course, solution
from autograder.policy import Limits
from autograder.rebuild import template
from autograder.worker import Settings
from fttools.errors import FTError, suggest

Result = dict[str, Any]
Progress = Callable[[Result], None]
Orders = Iterator[tuple[cluster.Order, cluster.Files]]
Grade = Callable[[Orders], Iterator[cluster.Done]]


class UnknownStudent(FTError, ValueError):
    """No submission of that student."""


def grade_class(
    course: Course,
    exercise: str,
    student: str | None = None,
    workers: int | None = None,
    progress: Progress = lambda result: None,
    *,
    scheduler: str | None = None,
    tls: cluster.Tls | None = None,
    force: bool = False,
    unsafe: bool = False,
    limits: Limits | None = None,
    threads: int | None = None,
) -> list[Result]:
    """Grade every submission (or one student's), record each as it is done, return all results.

    What an earlier run graded, and has not changed since, is not graded again unless `force`.
    Raises BadCourse for a folder without submissions, UnknownStudent, UnknownExercise, Busy,
    Refused where there is no sandbox, NoScheduler.
    """
    solution(exercise)
    students = course.students(exercise)
    if student is not None:
        if student not in students:
            raise UnknownStudent(
                f"{student} has not submitted {exercise}.", suggest(student, students)
            )
        students = [student]
    with ExitStack() as stack:
        stack.enter_context(journal.lock(course.root))
        gpu, bounds = wants_gpu(exercise), limits or Limits()
        wanted = workers or cluster.worker_count(bounds.memory, gpu)
        # A scheduler's workers know best how many processors they were given: 0 asks them.
        usual = 0 if scheduler else max(1, cluster.own_threads() // min(wanted, len(students)))
        settings = Settings(threads or usual, bounds, unsafe=unsafe)
        stack.callback(cluster.close)
        if not (gpu or scheduler):
            # It imports for seconds; the gradebook and the workers are got ready meanwhile.
            cluster.soon(settings)
        book = stack.enter_context(gradebook.open_gradebook(course, exercise))
        run = Run(course, exercise, book, force, progress, bounds)
        waiting = run.resume(students)
        if not waiting:
            return run.sorted()
        count = min(wanted, len(waiting))
        if scheduler is None and count == 1:
            grade: Grade = partial(cluster.run_here, settings=settings)
        else:
            client = stack.enter_context(cluster.connect(count, scheduler, tls, gpu))
            grade = partial(cluster.run, client=client, settings=settings, gpu=gpu,
                            remote=bool(scheduler))  # fmt: skip
        again = []
        for order, result, notebook in grade(run.orders(waiting)):
            if result["outcome"] == "infrastructure":
                again.append((order, result, notebook))  # perhaps by what ran beside it
            else:
                run.finish(order, result, notebook)
        for order, result, notebook in again:
            run.finish(order, *last_try(grade, run, order, result, notebook))
        return run.sorted()


def last_try(
    grade: Grade, run: Run, order: cluster.Order, result: Result, notebook: str
) -> tuple[Result, str]:
    """Once more, alone, what failed by no fault of its own; as it was where that cannot be."""
    if result.pop("overdue", False):  # it would take as long
        return result, notebook
    orders = (
        ({**again, "last": True, "seed": order["seed"]}, files)
        for again, files in run.orders([order["student"]])
        if again["key"] == order["key"]  # else handed in anew meanwhile: the next run's
    )
    with suppress(cluster.NoScheduler):  # no worker any more
        for done in grade(orders):
            _, result, notebook = done
            result.pop("overdue", None)
    return result, notebook


class Run:
    """One run over a class: what is done, what waits, and the only writer of both records."""

    def __init__(
        self, course: Course, exercise: str, book: Any, force: bool, progress: Progress,
        limits: Limits | None = None,
    ) -> None:  # fmt: skip
        self.limits = asdict(limits or Limits())
        self.course, self.exercise, self.book = course, exercise, book
        self.force, self.progress = force, progress
        self.journal = journal.Journal(course.root)
        self.most = gradebook.max_score(exercise)
        self.results: dict[str, Result] = {}

    def resume(self, students: list[str]) -> list[str]:
        """Take over what an earlier run did; the students still to be graded."""
        before = self.journal.latest(self.exercise)
        waiting = []
        for student in students:
            entry = before.get(student)
            fresh = entry is not None and not self.force and self.is_current(student, entry)
            if entry is None or not fresh:
                waiting.append(student)
                continue
            result = entry["result"]
            if not entry["recorded"]:  # killed between the two
                gradebook.record(self.book, result)
                self.journal.append("recorded", student=student, exercise=self.exercise,
                                    id=entry["id"])  # fmt: skip
            self.results[student] = public(result)
            self.progress(self.results[student])
        return waiting

    def is_current(self, student: str, entry: Result) -> bool:
        """Whether an earlier result still stands."""
        if entry["result"]["outcome"] == "infrastructure":
            return False
        # Other limits may be what a submission that met them needs.
        met = entry["result"]["outcome"] in ("timeout", "out_of_memory")
        if met and entry["result"].get("limits", self.limits) != self.limits:
            return False
        if not self.course.notebook("autograded", student, self.exercise).is_file():
            return False
        taken = submissions.take(self.course, student, self.exercise)
        return bool(entry["key"] == submissions.key(taken))

    def orders(self, students: list[str]) -> Iterator[tuple[cluster.Order, cluster.Files]]:
        """What the workers are told, read when its turn comes. The seed is new each time."""
        gpu = wants_gpu(self.exercise)
        for student in students:
            taken = submissions.take(self.course, student, self.exercise)
            order = {"student": student, "exercise": self.exercise, "refused": taken.refused,
                     "seed": secrets.randbits(62), "key": submissions.key(taken),
                     "gpu": gpu}  # fmt: skip
            yield order, taken.files

    def finish(self, order: cluster.Order, found: Result, notebook: str) -> None:
        """Write one result down: notebook, journal, gradebook, in this order."""
        student = order["student"]
        failed = found["outcome"] == "infrastructure"
        score = None if failed else float(sum(row["score"] for row in found["checks"]))
        result = {"student": student, "exercise": self.exercise, **found, "score": score,
                  "max_score": self.most, "seed": order["seed"], "key": order["key"],
                  "limits": self.limits}  # fmt: skip
        if notebook:
            target = self.course.notebook("autograded", student, self.exercise)
            journal.replace(target, notebook)
        name = secrets.token_hex(8)
        self.journal.append("graded", student=student, exercise=self.exercise, id=name,
                            key=order["key"], result=result)  # fmt: skip
        gradebook.record(self.book, result)
        self.journal.append("recorded", student=student, exercise=self.exercise, id=name)
        self.results[student] = public(result)
        self.progress(self.results[student])

    def sorted(self) -> list[Result]:
        """All results by student."""
        return [self.results[name] for name in sorted(self.results)]


def public(result: Result) -> Result:
    """A result as it is shown: without the seed and the limits, which the journal keeps."""
    return {k: v for k, v in result.items() if k not in ("seed", "limits")}


def wants_gpu(exercise: str) -> bool:
    """Whether the authors' notebook asks for a GPU (`"gpu": true` in its metadata)."""
    return bool(template(exercise).metadata.get("gpu", False))


def ignored(course: Course, exercise: str) -> Iterator[str]:
    """Folders in submitted/ that hold no submission of `exercise`, with what they hold."""
    for folder in sorted((course.root / "submitted").iterdir()):
        if folder.is_dir() and not (folder / exercise).is_dir():
            inside = ", ".join(sorted(p.name for p in folder.iterdir())[:3]) or "nothing"
            yield f"submitted/{folder.name} has no {exercise}/ folder (it holds {inside})"
