"""Release, collect, grade and return the course's exercises, on nbgrader's gradebook."""
