"""Probes: the only part of a check that runs beside the learner's code when grading."""
