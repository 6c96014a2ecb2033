"""The checks of the exercise `lora`: ten questions, 40 points."""

from fttools.checks.lora.layer import CHECKS as LAYER
from fttools.checks.lora.model import CHECKS as MODEL

CHECKS = (*LAYER, *MODEL)
