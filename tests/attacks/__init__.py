"""Cheating and hostile submissions, and what each must come to."""
