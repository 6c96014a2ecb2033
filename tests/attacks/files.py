"""Notebooks that are none, poisoned adapters, faked logs, links: what lies in the submission."""

from __future__ import annotations

import json
import pickle
import struct
from collections.abc import Callable
from typing import Any

from tests.attacks.kinds import (
    ANY,
    REJECTED,
    Attack,
    Canaries,
    Submission,
    at,
    blank,
    code,
    edit,
    solve,
)

NOTEBOOK = "broken notebooks"
ADAPTER = "poisoned adapters"
LOGS = "faked logs"
LINKS = "symlinks"
IDS = "duplicate ids"
CONFIG = {"peft_type": "LORA", "task_type": "SEQ_CLS", "r": 8, "lora_alpha": 16,
          "target_modules": ["query", "value"], "bias": "none"}  # fmt: skip


def tensors(entries: dict[str, Any], data: bytes = b"", size: int | None = None) -> bytes:
    """A safetensors file with any header."""
    head = json.dumps(entries).encode()
    return struct.pack("<Q", len(head) if size is None else size) + head + data


def entry(shape: list[int], start: int, end: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def lora(fill: bytes) -> dict[str, tuple[list[int], bytes]]:
    """Names, shapes and bytes of a LoRA of rank 8 on query and value of the lab encoder."""
    found = {}
    for layer in range(6):
        for name in ("query", "value"):
            where = f"base_model.model.bert.encoder.layer.{layer}.attention.self.{name}"
            found[f"{where}.lora_A.weight"] = ([8, 384], fill * (8 * 384))
            found[f"{where}.lora_B.weight"] = ([384, 8], fill * (384 * 8))
    found["base_model.model.classifier.weight"] = ([2, 384], fill * (2 * 384))
    found["base_model.model.classifier.bias"] = ([2], fill * 2)
    return found


def whole(fill: bytes) -> bytes:
    """A complete adapter, every number the same four bytes."""
    entries, data = {}, b""
    for name, (shape, blob) in lora(fill).items():
        entries[name] = entry(shape, len(data), len(data) + len(blob))
        data += blob
    return tensors(entries, data)


NAN, INFINITE, ONE = (struct.pack("<f", v) for v in (float("nan"), float("inf"), 1.0))


class Opens:
    """Pickled, it runs a command when it is read."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        import os

        return os.system, ("touch /tmp/ATTACK-pickle",)


def carrying(
    name: str, tries: str, weights: bytes | None, config: Any = None, kind: str = ADAPTER,
    **options: Any,
) -> Attack:  # fmt: skip
    """A submission that brings adapter files; the layer is solved honestly."""

    def build(canaries: Canaries) -> Submission:
        files = {}
        if weights is not None:
            files["adapter_model.safetensors"] = weights
        if isinstance(config, bytes):
            files["adapter_config.json"] = config
        else:
            text = canaries.fill(json.dumps({**CONFIG, **(config or {})}))
            files["adapter_config.json"] = text.encode()
        return Submission(solve(blank(), ("LoRALinear",)), files)

    # Loading and evaluating an adapter may meet the class's short limit on a busy machine.
    return Attack(name, kind, tries, build, ("LoRALinear",), outcomes=ANY, **options)


def raw(name: str, tries: str, blob: bytes | Callable[[], bytes], **options: Any) -> Attack:
    """A submission whose notebook is these bytes."""

    def build(canaries: Canaries) -> Submission:
        return Submission(blob if isinstance(blob, bytes) else blob())

    return Attack(name, NOTEBOOK, tries, build, outcomes=REJECTED, **options)


def linked(canaries: Canaries) -> Submission:
    """The notebook is a link to the authors'."""
    return Submission(b"", links={"lora.ipynb": f"{canaries.root}/solutions/lora/lora.ipynb"})


def linked_extras(canaries: Canaries) -> Submission:
    """Adapter and configuration are links to the host's files."""
    links = {"adapter_model.safetensors": canaries.file, "adapter_config.json": "/etc/passwd",
             "runs": "/etc", "torch.py": canaries.file}  # fmt: skip
    return Submission(solve(blank(), ("LoRALinear",)), links=links)


def beside(canaries: Canaries) -> Submission:
    """Modules beside the notebook, where Python looks first."""
    text = canaries.fill("open('/tmp/@TOKEN@', 'w')\nraise SystemExit('@TOKEN@')\n").encode()
    names = ("torch.py", "json.py", "nbformat.py", "fttools/__init__.py", "conftest.py",
             "sitecustomize.py", "autograder/__init__.py", "jupyter_config.py", ".pth",
             "nbgrader_config.py", "ipython_config.py")  # fmt: skip
    return Submission(solve(blank(), ("LoRALinear",)), dict.fromkeys(names, text))


def logs(canaries: Canaries) -> Submission:
    """A run's record that claims everything, and no adapter."""
    record = {"accuracy": 1.0, "test": {"accuracy": 1.0, "correct": [True] * 250}, "score": 40,
              "outcome": "graded", "checks": [{"id": "lora-train", "score": 4}]}  # fmt: skip
    text = json.dumps(record).encode()
    notebook = solve(blank(), ("LoRALinear",))
    at(notebook, "training").source = (
        "import json\nmodel = json.load(open('runs/run.json')) if __import__('os').path.exists("
        "'runs/run.json') else {'accuracy': 1.0}\nprint('test accuracy 100.0 %')")  # fmt: skip
    return Submission(notebook, {"runs/run.json": text, "results.json": text, "grades.csv": text})


def no_part(notebook: Any) -> None:
    for cell in notebook.cells:
        cell.metadata.pop("nbgrader", None)
        if cell.cell_type == "code":
            cell.source = "print('40 of 40')"


def duplicated(notebook: Any) -> None:
    """The same part three times, the honest one first."""
    place = next(i for i, c in enumerate(notebook.cells) if "class LoRALinear" in c.source)
    for number in range(2):
        cell = notebook.cells[place].copy()
        cell["id"] = f"copy-{number}"
        cell["source"] = "class LoRALinear:\n    def __init__(self, base: nn.Linear, rank: int, "\
                         "alpha: float) -> None:\n        raise SystemExit"  # fmt: skip
        notebook.cells.insert(place + 1, cell)


def check_ids(notebook: Any) -> None:
    """Solution cells that carry the checks' ids, and ids that no exercise has."""
    ids = ["lora-forward", "lora-train", "", "../../../etc", "x" * 10_000, "LoRALinear"]
    for number, grade_id in enumerate(ids):
        cell = notebook.cells[3].copy()
        cell["id"], cell["source"] = f"made-{number}", "40.0"
        marks = {"solution": True, "grade": True, "points": 40, "locked": False}
        cell["metadata"] = {"nbgrader": {"grade_id": grade_id, "schema_version": 3, **marks}}
        notebook.cells.append(cell)


LIVE = """
from types import SimpleNamespace
class Config(SimpleNamespace):
    pass
class Model(nn.Module):
    active_adapter = "default"
    def __init__(self):
        super().__init__()
        self.peft_config = {"default": Config(r=%s, lora_alpha=%s, target_modules=%s,
            peft_type="LORA", task_type="SEQ_CLS", bias="none", modules_to_save=["classifier"],
            use_dora=False, save_mutable_modules=None, trainable_token_indices=None,
            base_model_name_or_path="@FILE@", is_prompt_learning=False)}
        self.config = SimpleNamespace(model_type="bert")
    def state_dict(self, *args, **kwargs):
        return {"base_model.model.classifier.weight": torch.ones(2, 384)}
model = Model()
import peft, peft.utils.save_and_load
peft.get_peft_model_state_dict = lambda model, **k: {"lora_B.x": torch.ones(3),
    **model.state_dict()}
peft.utils.save_and_load.get_peft_model_state_dict = peft.get_peft_model_state_dict
"""
CELLS = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [
    {"cell_type": "code", "source": "x", "metadata": {}}] * 3_000}).encode()  # fmt: skip

ATTACKS: list[Attack] = [
    raw("not_json", "bytes that are no notebook", b"\x00\xff\xfe" * 100),
    raw("nested_json", "JSON nested 200,000 deep", lambda: b"[" * 200_000 + b"]" * 200_000),
    raw("many_cells", "3,000 cells", CELLS),
    raw("large", "a notebook of 40 MB", lambda: b'{"cells": ["' + b"x" * 40_000_000 + b'"]}'),
    raw("wrong_types", "every field of a wrong type", json.dumps(
        {"cells": [7, None, {"cell_type": 3, "source": {"a": [1]}, "metadata": "x"}],
         "metadata": [], "nbformat": "four"}).encode()),
    edit("no_part", NOTEBOOK, "a notebook of claims alone", no_part,
         outcomes=frozenset({"graded", "rejected"})),
    edit("duplicated", IDS, "one part three times, with different answers", duplicated,
         solved=("LoRALinear",), outcomes=ANY, exact=False),
    edit("check_ids", IDS, "solution cells with the checks' ids and with paths", check_ids,
         solved=("LoRALinear",), outcomes=ANY, exact=False),
    Attack("link", LINKS, "the notebook is a link to the solution", linked, outcomes=REJECTED),
    Attack("linked_extras", LINKS, "adapter files are links to the host's files", linked_extras,
           ("LoRALinear",)),
    Attack("beside", LINKS, "torch.py, sitecustomize.py and others beside the notebook", beside,
           ("LoRALinear",)),
    carrying("pickled", "a pickle under the name of safetensors", pickle.dumps(Opens())),
    carrying("header_length", "a header of 2^60 bytes", tensors({}, b"", 2**60)),
    carrying("header_shape", "a tensor of 2^50 elements", tensors({"a": entry([2**50], 0, 4)},
                                                                   bytes(4))),
    carrying("overlapping_offsets", "tensors that share and exceed the data",
             tensors({"a": entry([4], 0, 16), "b": entry([4], 8, 24), "c": entry([1], -4, 0)},
                     bytes(16))),
    carrying("nan_adapter", "an adapter of NaN", whole(NAN)),
    carrying("infinite_adapter", "an adapter of infinities", whole(INFINITE)),
    carrying("untrained_adapter", "an adapter that was never trained", whole(ONE)),
    carrying("adapter_paths", "a configuration that points at the host and at code", whole(ONE), {
        "base_model_name_or_path": "../../../../etc/passwd", "revision": "refs/../..",
        "auto_mapping": {"base_model_class": "os.system", "parent_library": "@FILE@"},
        "auto_map": {"AutoModel": "evil--module.Class"}, "trust_remote_code": True,
        "layers_pattern": "(a+)+$", "modules_to_save": ["../x"], "peft_type": "LORA"}),
    carrying("adapter_regex", "a pattern that takes for ever to match", whole(ONE),
             {"target_modules": "(([a-z._0-9]+)+)+!"}),
    carrying("adapter_numbers", "ranks and scales of every wrong kind", whole(ONE),
             {"r": 10**9, "lora_alpha": 1e308, "target_modules": ["query"] * 100_000}),
    carrying("config_only", "a configuration and no weights", None),
    carrying("config_bomb", "a configuration nested 100,000 deep", whole(ONE),
             b"[" * 100_000 + b"]" * 100_000),
    code("live_regex", ADAPTER, "a live model whose targets take for ever to match",
         LIVE % (8, 16, "'(([a-z._0-9]+)+)+!'"), rest=True),
    code("live_numbers", ADAPTER, "a live model with impossible numbers",
         LIVE % ("True", "float('inf')", "['query'] * 100_000"), rest=True),
    Attack("faked_logs", LOGS, "a run's record that claims everything", logs, ("LoRALinear",)),
]  # fmt: skip
