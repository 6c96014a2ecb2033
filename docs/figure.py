"""The picture at the top of the README, from the recorded runs: python docs/figure.py"""

from pathlib import Path

from fttools import plots, runs

fig, (left, right) = plots.canvas("", 10, 3.4, columns=2)
reference = [r for r in runs.recorded("lora", "reference") if r.config["epochs"] < 4]
studies = [
    ("no pre-training", runs.recorded("lora", "random weights"), "full"),
    ("head alone", reference, "head"),
    ("LoRA, rank 1", reference, "lora (rank=1, targets=all-linear)"),
    ("LoRA, rank 8", reference, "lora (targets=all-linear)"),
    ("full", reference, "full"),
]
for label, records, method in studies:
    found = [r for r in records if r.method == method]
    epochs = min(r.config["epochs"] for r in found)
    found = [r for r in found if r.config["epochs"] == epochs]
    group = runs.summarise([r.metrics["accuracy"] for r in found], label)
    half = [[group.mean - group.low], [group.high - group.mean]]
    color = plots.BLUE if "LoRA" in label else plots.GREY
    left.errorbar(found[0].trainable, group.mean, half, fmt="o", color=color, capsize=4)
    side = 9 if label in ("head alone", "LoRA, rank 8") else -9
    left.annotate(label, (found[0].trainable, group.mean), (side, 3), textcoords="offset points",
                  ha="right" if side < 0 else "left", fontsize=9)  # fmt: skip
left.set(xscale="log", xlabel="trained parameters")
left.set_title("accuracy on 250 reviews, seeds and 95 % intervals", fontsize=10, loc="left")
rates = runs.recorded("lora", "learning rate")
for name, start, color in (("LoRA", "lora", plots.BLUE), ("full", "full", plots.ORANGE)):
    groups = runs.by((r for r in rates if r.method.startswith(start)), lambda r: r.config["lr"])
    plots.sweep(right, groups, name, color)
right.set(xscale="log", xlabel="learning rate")
right.set_title("LoRA wants another learning rate", fontsize=10, loc="left")
right.legend(frameon=False)
for ax in (left, right):
    plots.percent(ax, 0.45, 0.92)
plots.finish(fig).savefig(Path(__file__).with_suffix(".png"))
