"""Record the shapes that `fttools.shapes` counts with: `python -m fttools.shapes_record`."""

from __future__ import annotations

import json
from typing import Any

from fttools import catalogue, methods
from fttools.shapes import DATA, versions


def record(model_name: str) -> dict[str, Any]:
    """The shapes of one catalogue model, from its own code and peft's choices."""
    import peft.utils.constants as known
    from peft.tuners.tuners_utils import _maybe_include_all_linear_layers
    from torch import nn

    from fttools import bottleneck, params

    def fresh() -> Any:
        return catalogue.build(catalogue.read_config(model_name))

    model = fresh()
    classifier = methods.is_classifier(model)
    heads = {id(p) for _, p in methods.head_parameters(model)} if classifier else set()
    folded: dict[str, list[Any]] = {}
    seen: set[int] = set()
    for path, module in model.named_modules():
        own = {n: p for n, p in module.named_parameters(recurse=False) if id(p) not in seen}
        seen |= {id(p) for p in own.values()}
        linear = isinstance(module, nn.Linear)
        cls = "Linear" if linear else type(module).__name__
        # A tied projection has no parameter of its own, but is a module that could be targeted.
        if not own and not linear:
            continue
        shapes = {n: list(p.shape) for n, p in own.items()}
        row = [
            params.LAYER.sub("*", path),
            cls,
            1,
            shapes,
            any(id(p) in heads for p in own.values()),
        ]
        old = folded.setdefault(json.dumps([row[0], cls, shapes]), [*row[:2], 0, *row[3:]])
        old[2] += 1
    kind = model.config.model_type
    task = methods.task_type(model)
    every: Any = methods.peft_config(methods.LoRA(targets="all-linear"), task)
    _maybe_include_all_linear_layers(every, model)
    linear_names = every.target_modules

    def choice(table: str) -> list[str]:
        return sorted(getattr(known, f"TRANSFORMERS_MODELS_TO_{table}_MAPPING").get(kind) or ())

    norms = choice("LNTUNING_TARGET_MODULES") or sorted(
        {params.LAYER.sub("*", n) for n in methods.norm_names(model)}
    )
    targets = {"lora": choice("LORA_TARGET_MODULES"), "vera": choice("VERA_TARGET_MODULES"),
               "ia3": choice("IA3_TARGET_MODULES"), "ia3_ff": choice("IA3_FEEDFORWARD_MODULES"),
               "ln_tuning": norms}  # fmt: skip

    def adapter(method: methods.Method) -> Any:
        try:
            return params.count_model(methods.attach(fresh(), method))
        except methods.MethodRefused:
            return params.Counts(0, 0, {"adapter": 0, "head": 0})

    prompt = adapter(methods.Prompt(tokens=1)).by_kind
    out: Any = model.get_output_embeddings()
    sites: list[dict[str, int]] = []
    for variant in methods.VARIANTS:
        widths: dict[str, int] = {}
        for site in bottleneck.sites(model, methods.Adapter(variant=variant)):
            module = model.get_submodule(site)
            side = str(getattr(module, "out_features", getattr(module, "nf", 0)))
            widths[side] = widths.get(side, 0) + 1
        sites.append(widths)
    return {
        "modules": list(folded.values()),
        "targets": targets,
        "all_linear": sorted({params.LAYER.sub("*", n) for n in linear_names}),
        "saved": adapter(methods.LNTuning()).by_kind["head"],
        "output": 0 if out is None else sum(p.numel() for p in out.parameters()),
        "prefix": adapter(methods.Prefix(tokens=1)).by_kind["adapter"],
        "width": prompt["adapter"],
        "stacks": 2 if task == "SEQ_2_SEQ_LM" else 1,
        "sites": sites,
    }


def main() -> None:
    """Write `configs/shapes.json` for the whole catalogue."""
    rows = [f"{json.dumps(e.name)}: {json.dumps(record(e.name))}" for e in catalogue.entries()]
    body = ",\n".join(rows)
    DATA.write_text(f'{{"versions": {json.dumps(versions())}, "models": {{\n{body}\n}}}}\n')


if __name__ == "__main__":
    main()
