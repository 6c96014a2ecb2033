"""Fine-tune a classifier with any method, on transformers' Trainer.

    run = fine_tune(*models.load("encoder"), data.load("reviews"), LoRA(rank=8))
    run.record.metrics["accuracy"], run.model

The model that comes back is the one of the epoch with the best validation accuracy.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from fttools import evaluate, runs
from fttools.data import Splits, tokenise, validate
from fttools.errors import FTError
from fttools.methods import Full, Head, Method, attach, label
from fttools.params import count_model
from fttools.quiet import quietly

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedTokenizerBase


class BadConfig(FTError, ValueError):
    """A training setting that cannot be used."""


@dataclass(frozen=True)
class Config:
    """How to train. `lr=None` means the method's usual rate: methods that train few weights want
    about ten times the rate of full fine-tuning. `patience` is in epochs."""

    epochs: int = 3
    lr: float | None = None
    batch: int = 16
    weight_decay: float = 0.01
    warmup: float = 0.1
    max_length: int = 128
    patience: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "max_length", "patience"):
            if getattr(self, name) < 1:
                raise BadConfig(f"{name}={getattr(self, name)}.", f"{name} of at least 1")
        if self.lr is not None and not 0 < self.lr < 1:
            raise BadConfig(f"lr={self.lr}.", "2e-4 for full fine-tuning, 1e-3 for LoRA")


@dataclass(frozen=True)
class Run:
    """A finished run: the model at its best epoch, its tokenizer, test predictions, record."""

    model: nn.Module
    tokenizer: PreTrainedTokenizerBase
    test: evaluate.Predictions
    record: runs.Record


def usual_rate(method: Method) -> float:
    """Peak learning rate for small encoders, by what trains."""
    if isinstance(method, Full):
        return 1e-4
    return 5e-3 if isinstance(method, Head) else 1e-3


def _progress() -> Any:
    """tqdm on a terminal, one updated line in a notebook, nothing when graded or piped."""
    from transformers import TrainerCallback

    graded = bool(os.environ.get("NBGRADER_EXECUTION"))
    notebook = "ipykernel" in sys.modules and not graded

    class Progress(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.bar: Any = None
            self.line: Any = None
            if notebook:
                from IPython.display import display

                self.line = display({"text/plain": "starting"}, raw=True, display_id=True)
            elif sys.stderr.isatty() and not graded:
                from tqdm import tqdm

                self.bar = tqdm(total=state.max_steps, desc="training", leave=False)

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            done, total = state.global_step, state.max_steps
            if self.bar is not None:
                self.bar.update()
            elif self.line is not None and (done % 10 == 0 or done == total):
                self.line.update({"text/plain": f"training: step {done} of {total}"}, raw=True)

        def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if self.bar is not None:
                self.bar.close()

    return Progress()


def _peak_rss() -> int:
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS counts in bytes


def fine_tune(
    model: nn.Module,
    tokenizer: PreTrainedTokenizerBase,
    splits: Splits,
    method: Method,
    config: Config | None = None,
) -> Run:
    """Attach `method`, train on `splits.train`, keep the epoch best on validation, score on test.

    Raises BadData for data that cannot be trained on, BadConfig, and what `attach` raises.
    """
    import numpy as np
    import torch
    from transformers import (
        DataCollatorWithPadding,
        EarlyStoppingCallback,
        PrinterCallback,
        Trainer,
        TrainingArguments,
        set_seed,
    )

    config = config or Config()
    shape: Any = model.config
    for split in ("train", "validation", "test"):
        validate(getattr(splits, split).to_list(), f"{splits.name} {split}",
                 labels=shape.num_labels)  # type: ignore[union-attr]  # fmt: skip
    name = str(getattr(shape, "_name_or_path", "")) or type(model).__name__  # type: ignore[union-attr]
    set_seed(config.seed)
    model = attach(model, method)
    counts = count_model(model)
    cuda = torch.cuda.is_available()

    def metrics(prediction: Any) -> dict[str, float]:
        return {
            "accuracy": float(np.mean(prediction.predictions.argmax(-1) == prediction.label_ids))
        }

    with quietly(), tempfile.TemporaryDirectory() as folder:
        lr = config.lr or usual_rate(method)
        arguments = TrainingArguments(
            output_dir=folder, num_train_epochs=config.epochs, learning_rate=lr,
            per_device_train_batch_size=config.batch, per_device_eval_batch_size=64,
            weight_decay=config.weight_decay, warmup_steps=config.warmup,
            eval_strategy="epoch", save_strategy="epoch", save_total_limit=1,
            save_only_model=True,  # the best epoch is loaded again, never resumed
            load_best_model_at_end=True, metric_for_best_model="accuracy",
            logging_steps=10, report_to="none", disable_tqdm=True, seed=config.seed,
            use_cpu=not cuda, dataloader_pin_memory=cuda,
            train_sampling_strategy="group_by_length",
        )  # fmt: skip
        trainer = Trainer(
            model=model, args=arguments, processing_class=tokenizer,
            train_dataset=tokenise(splits.train, tokenizer, config.max_length),
            eval_dataset=tokenise(splits.validation, tokenizer, config.max_length),
            data_collator=DataCollatorWithPadding(tokenizer), compute_metrics=metrics,
            callbacks=[_progress(), EarlyStoppingCallback(config.patience)],
        )  # fmt: skip
        trainer.remove_callback(PrinterCallback)
        if cuda:
            torch.cuda.reset_peak_memory_stats()
        before, started = _peak_rss(), time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - started
        peak = torch.cuda.max_memory_allocated() if cuda else _peak_rss() - before
    test = evaluate.predict(model, tokenizer, splits.test)
    low, high = evaluate.interval(test.correct)
    record = runs.Record(
        model=os.path.basename(name.rstrip("/")) if os.path.isdir(name) else name,
        method=label(method), options=method.options(), data=splits.name,
        data_sha256=splits.sha256, seed=config.seed, config={**asdict(config), "lr": lr},
        trainable=counts.trainable, total=counts.total, steps=int(trainer.state.global_step),
        seconds=seconds, peak_bytes=int(peak),
        metrics={"accuracy": evaluate.accuracy(test), "f1": evaluate.f1(test),
                 "low": low, "high": high},
        history=[{k: float(v) for k, v in entry.items() if isinstance(v, (int, float))}
                 for entry in trainer.state.log_history],
    )  # fmt: skip
    return Run(model, tokenizer, test, record)
