"""Keep libraries' notices and bars off a notebook's stderr.

A warning about a freshly initialised head is expected in every fine-tuning run; on stderr it hides
the messages that matter, and some graders take anything on stderr for a failure.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# Libraries warning about their own use of each other: nothing a learner could change.
warnings.filterwarnings("ignore", category=FutureWarning, module=r"(transformers|peft)\.")


@contextmanager
def quietly() -> Iterator[None]:
    """Silence transformers' and datasets' notices and Python warnings inside the block.

    Blocks nest: the inner one's end leaves the outer one quiet.
    """
    import transformers

    datasets = sys.modules.get("datasets")  # not worth 1.6 s where nobody has needed it

    level = transformers.logging.get_verbosity()
    bars = transformers.logging.is_progress_bar_enabled()
    data_bars = datasets is not None and datasets.utils.logging.is_progress_bar_enabled()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    if datasets is not None:
        datasets.disable_progress_bars()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers.logging.set_verbosity(level)
        if bars:
            transformers.logging.enable_progress_bar()
        if datasets is not None and data_bars:
            datasets.enable_progress_bars()
