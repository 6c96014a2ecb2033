"""One measured case: build the model on the GPU, train three steps, read the peaks."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fttools.memory.build import TASK_CLASSES
from fttools.memory.cases import Case, read_config

STEPS = 3


def run_case(case: Case, device: str = "cuda", trace: Path | None = None) -> dict[str, Any]:
    """Build and train one case; sizes in bytes, of this case alone (what was there before is
    subtracted from allocated, and the cache is emptied first)."""
    import torch

    cuda = device == "cuda"
    before = 0
    if cuda:
        free_memory()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        if trace is not None:
            from fttools.memory import trace as tracing

            tracing.start()
    torch.manual_seed(0)
    result: dict[str, Any] = {}
    began = time.perf_counter()
    model = build(case, device)
    result["total_params"] = sum(p.numel() for p in model.parameters())
    result["trainable"] = sum(p.numel() for p in model.parameters() if p.requires_grad)
    result["build_s"] = round(time.perf_counter() - began, 2)
    if cuda:
        torch.cuda.synchronize()
        result["model_bytes"] = torch.cuda.memory_allocated() - before
    try:
        began = time.perf_counter()
        result["loss"] = train(model, case, device)
        result["train_s"] = round(time.perf_counter() - began, 2)
        if cuda:
            torch.cuda.synchronize()
            reserved = torch.cuda.memory_reserved()
            free, total = torch.cuda.mem_get_info()
            result["peak_allocated"] = torch.cuda.max_memory_allocated() - before
            result["peak_reserved"] = torch.cuda.max_memory_reserved()
            result["device_used_minus_reserved"] = total - free - reserved
            result["allocated_before"] = before
            if trace is not None:
                tracing.finish(trace, case.label())
    finally:
        del model
        if cuda:
            torch.cuda.memory._record_memory_history(enabled=None)
            free_memory()
    return result


def free_memory() -> None:
    """Give back what no longer is used, to Python and to the driver."""
    import sys

    import torch

    if "bitsandbytes" in sys.modules:
        # Trainer registers embedding modules with this global manager, which keeps them alive.
        manager = sys.modules["bitsandbytes"].optim.GlobalOptimManager.get_instance()
        manager.module_weight_config_triple.clear()
    gc.collect()
    torch.cuda.empty_cache()


def build(case: Case, device: str) -> Any:
    """The model of `case` on `device` with its method attached."""
    import peft
    import torch
    import transformers

    from fttools import methods

    config = read_config(case.config)
    if case.task == "seq-cls":
        config.num_labels = case.labels
        if config.pad_token_id is None:
            config.pad_token_id = 0
    cls = getattr(transformers, TASK_CLASSES[case.task])
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[case.weights]
    method = case.to_method()
    keywords = {"use_reentrant": False}
    if case.method == "qlora":
        model = _quantized(cls, config, case, device)
        model = peft.prepare_model_for_kbit_training(
            model,
            use_gradient_checkpointing=case.checkpointing,
            gradient_checkpointing_kwargs=keywords,
        )
    else:
        with torch.device(device):
            model = cls.from_config(config, dtype=dtype, attn_implementation=case.attention)
    if case.method in ("full", "head", "bitfit", "adapter"):
        model = methods.attach(model, method)
    else:
        settings = methods.peft_config(method, methods.task_type(model))
        model = peft.get_peft_model(model, settings)
        model = model.to(device)
        if case.checkpointing and case.method != "qlora":
            model.enable_input_require_grads()
    return model


def _quantized(cls: Any, config: Any, case: Case, device: str) -> Any:
    """A base in NF4, loaded as a user does: from a saved checkpoint, quantized on the way in."""
    import torch
    from transformers import BitsAndBytesConfig

    folder = Path(tempfile.gettempdir()) / f"fttools-measure-{os.getpid()}"
    saved = (
        folder
        / hashlib.sha256(
            f"{json.dumps(case.config, sort_keys=True)} {case.task}".encode()
        ).hexdigest()[:16]
    )
    if not saved.exists():
        shutil.rmtree(folder, ignore_errors=True)  # one checkpoint at a time
        with torch.device(device):
            cls.from_config(config, dtype=torch.bfloat16).save_pretrained(saved)
        if device == "cuda":
            free_memory()
            torch.cuda.reset_peak_memory_stats()
    settings = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=case.double_quant,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    return cls.from_pretrained(
        saved,
        quantization_config=settings,
        dtype=torch.bfloat16,
        device_map={"": 0 if device == "cuda" else device},
        attn_implementation=case.attention,
    )


def rows(case: Case) -> Iterator[dict[str, Any]]:
    """Training rows: `seq` random tokens with labels; padded cases differ in length, the longest
    row of every batch having `seq` tokens."""
    import torch

    config = read_config(case.config)
    vocabulary = int(config.get_text_config().vocab_size)
    draw = torch.Generator().manual_seed(0)
    for number in range(STEPS * case.batch * case.accumulate):
        ids = torch.randint(3, vocabulary, (case.seq,), generator=draw)
        mask = torch.ones(case.seq, dtype=torch.long)
        if case.padded and number % max(case.batch, 2):
            length = int(torch.randint(case.seq // 2, case.seq, (1,), generator=draw))
            mask[length:] = 0
            ids[length:] = config.pad_token_id or 0
        row = {"input_ids": ids, "attention_mask": mask}
        if case.task == "seq-cls":
            row["labels"] = torch.tensor(number % case.labels)
        else:
            row["labels"] = ids.masked_fill(mask == 0, -100) if case.padded else ids.clone()
        yield row


def train(model: Any, case: Case, device: str) -> float:
    """Three optimizer steps with transformers' Trainer; returns the mean loss."""
    from transformers import Trainer, TrainingArguments
    from transformers.trainer_callback import PrinterCallback

    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            max_steps=STEPS,
            per_device_train_batch_size=case.batch,
            gradient_accumulation_steps=case.accumulate,
            bf16=case.amp == "bf16",
            fp16=case.amp == "fp16",
            optim=case.optim,
            gradient_checkpointing=case.checkpointing,
            gradient_checkpointing_kwargs={"use_reentrant": False},
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            use_cpu=device == "cpu",
            logging_steps=STEPS,
        )
        trainer = Trainer(model=model, args=arguments, train_dataset=list(rows(case)))  # type: ignore[arg-type]
        trainer.remove_callback(PrinterCallback)  # it prints to stdout, where --json belongs
        return float(trainer.train().training_loss)
