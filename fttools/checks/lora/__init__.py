"""The checks of the exercise `lora`: eleven questions, 40 points."""

from fttools.checks.lora.layer import CHECKS as LAYER
from fttools.checks.lora.model import CHECKS as MODEL
from fttools.checks.lora.trained import CHECKS as TRAINED

CHECKS = (*LAYER, *MODEL, *TRAINED)
