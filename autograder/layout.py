"""Where things are: the authors' sources, a course folder, and nbgrader's configuration of it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fttools.errors import FTError, suggest

EXERCISES = ("lora",)
COURSE_ID = "fine-tuning"


class UnknownExercise(FTError, ValueError):
    """No exercise of that name."""


class BadCourse(FTError, ValueError):
    """A course folder that cannot be graded."""


def sources() -> Path:
    """The folder that holds solutions/ and exercises/: a checkout, or `FT_COURSE_ROOT`."""
    root = Path(os.environ.get("FT_COURSE_ROOT", Path(__file__).parents[1]))
    if not (root / "solutions").is_dir():
        raise BadCourse(
            f"There is no solutions/ in {root}.",
            "FT_COURSE_ROOT=the folder of the course's checkout",
        )
    return root


def solution(exercise: str) -> Path:
    """The author's notebook of an exercise. Raises UnknownExercise with the nearest names."""
    if exercise not in EXERCISES:
        raise UnknownExercise(f"There is no exercise {exercise!r}.", suggest(exercise, EXERCISES))
    return sources() / "solutions" / exercise / f"{exercise}.ipynb"


@dataclass(frozen=True)
class Course:
    """A course folder: `submitted/STUDENT/EXERCISE/EXERCISE.ipynb` and the gradebook."""

    root: Path

    @property
    def database(self) -> str:
        """The gradebook's address for nbgrader."""
        return f"sqlite:///{self.root.resolve() / 'gradebook.db'}"

    def notebook(self, stage: str, student: str, exercise: str) -> Path:
        """A student's notebook at a stage: submitted, autograded or feedback."""
        return self.root / stage / student / exercise / f"{exercise}.ipynb"

    def students(self, exercise: str) -> list[str]:
        """Students who submitted `exercise`. Raises BadCourse when there is no submission."""
        submitted = self.root / "submitted"
        if not submitted.is_dir():
            raise BadCourse(
                f"{self.root} has no submitted/ folder.",
                "submitted/STUDENT/EXERCISE/EXERCISE.ipynb, nbgrader's layout",
            )
        return sorted(p.name for p in submitted.iterdir() if (p / exercise).is_dir())

    def config(self) -> Any:
        """nbgrader's configuration of this folder."""
        from traitlets.config import Config

        # nbgrader runs `alembic` by name when it makes a gradebook.
        os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        config = Config()
        config.CourseDirectory.root = str(self.root.resolve())
        config.CourseDirectory.course_id = COURSE_ID
        config.CourseDirectory.source_directory = "solutions"
        config.CourseDirectory.release_directory = "exercises"
        config.CourseDirectory.db_url = self.database
        config.NbGraderAPI.log_level = "ERROR"
        from autograder.steps import configure

        return configure(config)
