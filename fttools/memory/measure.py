"""Run real training steps and record their peak memory: `fttools measure CASES.json OUT.jsonl`.

Each case is built from its config with random weights (memory does not depend on their values),
wrapped with peft and trained for three optimizer steps by transformers' Trainer. One JSON record is
appended a case, as soon as it is known; cases already in OUT are skipped, so a run can be resumed.
Running out of memory is a result (`"oom": true`), any other failure too (`"error"`).
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fttools.errors import BadData, FTError
from fttools.memory.cases import Case, read_config

STEPS = 3
TASK_CLASSES = {
    "seq-cls": "AutoModelForSequenceClassification",
    "causal-lm": "AutoModelForCausalLM",
    "seq2seq-lm": "AutoModelForSeq2SeqLM",
}
WARM_UP = {
    "model": "warm-up", "method": "full", "batch": 2, "seq": 16, "task": "causal-lm", "amp": "bf16",
    "config": {"model_type": "gpt2", "n_embd": 64, "n_layer": 1, "n_head": 1, "vocab_size": 128},
}  # fmt: skip


class NoGpu(FTError):
    """There is no CUDA GPU to measure on."""


def versions() -> dict[str, Any]:
    """What the records depend on: library versions and the GPU."""
    from importlib.metadata import PackageNotFoundError, version

    import torch

    found: dict[str, Any] = {"torch": torch.__version__}
    for name in ("transformers", "peft", "bitsandbytes", "accelerate"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        found["gpu"] = properties.name
        found["gpu_memory"] = properties.total_memory
        found["cuda"] = torch.version.cuda
        found["cudnn"] = torch.backends.cudnn.version()
    return found


def read_cases(path: Path) -> list[dict[str, Any]]:
    """Cases from a JSON list, {"cases": [...]}, or JSON lines (bare cases or measured records)."""
    text = path.read_text()
    try:
        data = json.loads(text)
        rows = data.get("cases", [data]) if isinstance(data, dict) else data
    except json.JSONDecodeError:
        try:
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
        except json.JSONDecodeError as err:
            raise BadData(
                f"{path} is neither JSON nor JSON lines: {err}", "a JSON list of cases"
            ) from err
    return [row.get("case", row) for row in rows if isinstance(row, dict) and "meta" not in row]


def measure(
    cases: list[dict[str, Any]],
    out: Path,
    *,
    device: str = "cuda",
    traces: Path | None = None,
    report: Callable[[str], None] = print,
) -> list[dict[str, Any]]:
    """Run `cases`, appending to `out`; returns the new records. Raises NoGpu without a GPU.

    `traces`: a folder for each case's allocation history. `device="cpu"` trains all the same, to
    try a list of cases, and records no memory.
    """
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise NoGpu("There is no CUDA GPU here.", "fttools estimate, which needs none")
    done = set()
    if out.exists():
        done = {
            key(r["case"]) for r in map(json.loads, out.read_text().splitlines()) if "case" in r
        }
    else:
        out.parent.mkdir(parents=True, exist_ok=True)
        _append(out, {"meta": versions()})
    todo = [case for case in cases if key(case) not in done]
    records: list[dict[str, Any]] = []
    if todo:
        run_case(Case.from_json(WARM_UP), device)  # every case then finds cuBLAS' workspaces there
    for number, fields in enumerate(todo, 1):
        record: dict[str, Any] = {"case": fields}
        fatal = False
        try:
            case = Case.from_json(fields)
            trace = traces / f"{number:03d}.json.gz" if traces else None
            record["result"] = run_case(case, device, trace)
        except torch.cuda.OutOfMemoryError:
            record["result"] = {"oom": True}
        except Exception as err:
            record["result"] = {
                "error": f"{type(err).__name__}: {' '.join(str(err).split())[:300]}"
            }
            fatal = type(err).__name__ == "AcceleratorError"
        _append(out, record)
        records.append(record)
        result = record["result"]
        shown = (
            f"{result['peak_allocated'] / 2**20:,.0f} MiB" if "peak_allocated" in result else result
        )
        report(f"{number}/{len(todo)} {fields.get('model')} {fields.get('method')}: {shown}")
        if fatal:
            raise FTError(
                "The GPU's state is broken after an error in a kernel.",
                "the same command, to resume",
            )
    return records


def key(case: dict[str, Any]) -> str:
    """What makes a case the same case: all its fields, in order of their names."""
    return json.dumps(case, sort_keys=True)


def _append(out: Path, record: dict[str, Any]) -> None:
    with out.open("a") as stream:
        stream.write(json.dumps(record) + "\n")


# --- one case -----------------------------------------------------------------------------------


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
    if case.method in ("full", "head", "bitfit"):
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
    saved = folder / hashlib.sha256(f"{key(case.config)} {case.task}".encode()).hexdigest()[:16]
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
