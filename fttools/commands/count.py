"""`fttools count MODEL --method METHOD`: exact parameter counts, without the weights."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from typing import TYPE_CHECKING, Any

from fttools.errors import BadData

if TYPE_CHECKING:
    from fttools.params import Counts

# Options of methods, as `methods.make` names them, by flag.
METHOD_OPTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("--rank", {"type": int, "help": "rank of lora, qlora, dora, vera, …"}),
    ("--alpha", {"type": float, "help": "LoRA's alpha (2 x rank)"}),
    ("--targets", {"help": "all-linear, or a comma list of module names"}),
    ("--bias", {"choices": ("none", "all", "lora_only"), "help": "biases that LoRA trains too"}),
    ("--modules-to-save", {"help": "modules that LoRA trains whole (comma list)"}),
    ("--dora", {"action": "store_true", "default": None, "help": "LoRA with DoRA's magnitudes"}),
    ("--rslora", {"action": "store_true", "default": None, "help": "scale by alpha/sqrt(rank)"}),
    ("--tokens", {"type": int, "help": "virtual tokens (prefix, prompt, ptuning)"}),
    ("--hidden", {"type": int, "help": "width of P-tuning's network"}),
    ("--bottleneck", {"type": int, "help": "width of an adapter"}),
    ("--reduction", {"type": int, "help": "an adapter's width as the model's over this"}),
    ("--variant", {"help": "adapter: houlsby or pfeiffer"}),
    ("--double-quant", {"action": argparse.BooleanOptionalAction, "default": None,
                        "help": "qlora: quantize the quantization constants"}),
)  # fmt: skip
LISTS = ("targets", "modules_to_save")


def add_method_options(parser: argparse.ArgumentParser) -> None:
    """The options of methods, for every command that takes a method."""
    group = parser.add_argument_group("options of the method")
    for flag, settings in METHOD_OPTIONS:
        group.add_argument(flag, **settings)


def method_from(args: argparse.Namespace) -> Any:
    """The method that `--method` and its options name. Raises what `methods.make` raises."""
    from fttools import methods

    options: dict[str, Any] = {}
    for flag, _ in METHOD_OPTIONS:
        name = flag[2:].replace("-", "_")
        value = getattr(args, name)
        if name in LISTS and value and value != "all-linear":
            value = tuple(part.strip() for part in value.split(",") if part.strip())
        options[name] = value
    return methods.make(args.method, **options)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser("count", help="exact parameter counts of a model with a method")
    parser.add_argument("model", nargs="?", help="catalogue name, hub id or path of a config.json")
    parser.add_argument("--method", default="full", help="full, head, lora, qlora, adapter, …")
    parser.add_argument("--task", help="seq-cls, causal-lm or seq2seq-lm (what the model is for)")
    parser.add_argument("--labels", type=int, default=2, help="classes of a classifier (2)")
    parser.add_argument("--modules", action="store_true", help="module by module")
    parser.add_argument("--list", action="store_true", help="the models of the catalogue")
    add_method_options(parser)
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(run=run)


def read_config(model: str) -> Any:
    """`catalogue.read_config`, its warnings as lines on stderr."""
    from fttools import catalogue

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", catalogue.IncompleteConfig)
        config = catalogue.read_config(model)
    for warning in caught:
        if isinstance(warning.message, catalogue.IncompleteConfig):
            print(f"fttools: {warning.message}", file=sys.stderr)
    return config


def run(args: argparse.Namespace) -> int:
    """Print the counts."""
    if args.list:
        return _list(args.json)
    if not args.model:
        raise BadData("Which model?", "fttools count llama-2-7b --method lora, or --list")
    if args.labels < 1:
        raise BadData(f"A classifier cannot have {args.labels} classes.", "--labels 2")
    from fttools import shapes
    from fttools.memory import lean

    if not args.modules and args.labels == 2:  # what the recorded shapes can answer, at once
        counts = shapes.count(args.model, method_from(args), args.task)
        if counts is not None:
            return _print(args, counts)

    def built() -> int:
        from fttools import params

        config = read_config(args.model)
        return _print(args, params.count(config, method_from(args), args.task, args.labels))

    return lean.run(built, args.words)


def _print(args: argparse.Namespace, counts: Counts) -> int:
    from fttools import methods

    if args.json:
        found: dict[str, Any] = {
            "model": args.model, "method": args.method, "total": counts.total,
            "trainable": counts.trainable, "trainable_pct": counts.trainable_pct,
            "by_kind": counts.by_kind,
        }  # fmt: skip
        if args.modules:
            found["all_by_kind"] = counts.all_by_kind
            found["modules"] = [vars(m) for m in counts.folded()]
        print(json.dumps(found))
        return 0
    print(f"{args.model} with {methods.label(method_from(args))}: {counts}")
    for kind, number in counts.by_kind.items():
        print(f"  {kind:8} {number:>16,} train")
    if args.modules:
        print(counts.table())
    return 0


def _list(as_json: bool) -> int:
    from fttools import catalogue

    rows = [
        {"name": e.name, "hub": e.hub, "kind": e.kind, "task": e.task, "total": e.total,
         "dtype": e.dtype, "licence": e.licence, "gated": e.gated, "aliases": list(e.aliases)}
        for e in catalogue.entries()
    ]  # fmt: skip
    if as_json:
        print(json.dumps(rows))
        return 0
    for row in rows:
        gated = " (gated)" if row["gated"] else ""
        print(f"{row['name']:30} {row['total']:>16,}  {row['kind']:15}  {row['hub']}{gated}")
    return 0
