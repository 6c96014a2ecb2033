"""Named wrong solutions of the exercise `lora`: an edit of the reference, and what it must hear.

Each entry is (name, text to replace, replacement, pattern in the message).
"""

from __future__ import annotations

Mutant = tuple[str, str, str, str]

FORWARD = "return self.base(x) + self.scaling * (x @ self.A.T @ self.B.T)"
FREEZE = "for parameter in self.base.parameters():\n            parameter.requires_grad_(False)"
KAIMING = "nn.init.kaiming_uniform_(self.A, a=math.sqrt(5))"
ZERO_B = "self.B = nn.Parameter(torch.zeros(base.out_features, rank))"
MERGE = "merged.weight.copy_(self.base.weight + self.scaling * self.B @ self.A)"
MAKE_A = "self.A = nn.Parameter(torch.empty(rank, base.in_features))"
FREEZE_ALL = "for parameter in model.parameters():\n        parameter.requires_grad_(False)"
TOTAL = "total = sum(p.numel() for p in model.parameters())"

MUTANTS: dict[str, list[Mutant]] = {
    "lora-forward": [
        ("forgot alpha/r", "self.scaling * (x", "(x", "not scaled"),
        ("upside down", "self.scaling * (x", "(1 / self.scaling) * (x", "upside down"),
        ("bias dropped", "self.base(x)", "x @ self.base.weight.T", "bias is missing"),
        ("base dropped", FORWARD,
         "return self.scaling * (x @ self.A.T @ self.B.T)", "Only the low"),
        ("transposed", "x @ self.A.T @ self.B.T", "x @ self.B @ self.A", "raised RuntimeError"),
    ],
    "lora-identity": [
        ("B not zero", ZERO_B, ZERO_B.replace("zeros", "randn"), "B is not zero"),
        ("both zero", KAIMING, "nn.init.zeros_(self.A)", "both zero"),
        ("A constant", KAIMING, "nn.init.ones_(self.A)", "constant"),
        ("bias dropped", "self.base(x)", "x @ self.base.weight.T", "bias included"),
    ],
    "lora-shapes": [
        ("A transposed", "torch.empty(rank, base.in_features)",
         "torch.empty(base.in_features, rank)", "A is transposed"),
        ("both dims in", "torch.zeros(base.out_features, rank)",
         "torch.zeros(base.in_features, rank)", "B has shape"),
        ("A no parameter", MAKE_A, MAKE_A.replace("nn.Parameter", ""), "not a parameter"),
        ("scaling alpha", "self.scaling = alpha / rank", "self.scaling = alpha", "alpha/rank is"),
    ],
    "lora-frozen": [
        ("base trainable", FREEZE, "pass", "base.weight changed"),
        ("bias trainable", FREEZE, "self.base.weight.requires_grad_(False)", "base.bias changed"),
        ("A detached", "x @ self.A.T", "x @ self.A.detach().T", "A did not change"),
    ],
    "lora-merge": [
        ("no scaling", MERGE, MERGE.replace("self.scaling * ", ""), "lacks the scaling"),
        ("merged twice", MERGE, MERGE.replace("self.scaling", "2 * self.scaling"), "twice"),
        ("bias dropped", "merged.bias.copy_(self.base.bias)", "merged.bias.zero_()", "bias"),
        ("in place", "merged = nn.Linear(self.base.in_features, self.base.out_features)",
         "merged = self.base", "twice|itself"),
        ("returns itself", "return merged", "return self", "raised AttributeError|returned a"),
    ],
    "lora-inject": [
        ("every linear", "and child in targets", "", "head was wrapped|no target"),
        ("first only", "LoRALinear(module, rank, alpha))",
         "LoRALinear(module, rank, alpha)); break", "left out"),
        ("base trainable", FREEZE_ALL, "pass", "still train"),
        ("head frozen", "for parameter in model.classifier.parameters():\n"
         "        parameter.requires_grad_(True)", "pass", "head does not train"),
        ("alpha for rank", "LoRALinear(module, rank, alpha))", "LoRALinear(module, 1, alpha))",
         "parameters train"),
    ],
    "lora-peft": [
        ("no task type", "task_type=TaskType.SEQ_CLS, ", "", "task_type"),
        ("rank 16", "r=8", "r=16", "r is 16"),
        ("query only", '["query", "value"]', '["query"]', "target_modules"),
        ("bias too", "lora_alpha=16", 'lora_alpha=16, bias="all"', "not 74,498"),
    ],
    "lora-count": [
        ("counted buffers", TOTAL, "total = sum(t.numel() for t in "
         "{t.data_ptr(): t for t in model.state_dict().values()}.values())", "Buffers"),
        ("frozen counted", " if p.requires_grad", "", "Frozen"),
        ("swapped", "return trainable, total", "return total, trainable", "swapped"),
        ("shared twice", TOTAL,
         "total = sum(p.numel() for m in model for p in m.parameters())", "twice"),
    ],
    "lora-evaluate": [
        ("no replacement", "rng.choice(values, (4000, len(values)), replace=True)",
         "np.stack([rng.permutation(values) for _ in range(200)])", "no width"),
        ("standard error", "low, high = np.quantile(means, [0.025, 0.975])",
         "low, high = values.mean() - means.std(), values.mean() + means.std()", "narrow"),
        ("small resamples", "(4000, len(values))", "(4000, 30)", "wide"),
        ("swapped", "return values.mean(), low, high", "return values.mean(), high, low",
         "low is above high"),
    ],
}  # fmt: skip

REPORT_TRAINABLE = "trainable, total = count_parameters(model)"
REPORT_ACCURACY = "accuracy, low, high = accuracy_with_interval(run.test.correct)"
# Of the cell that fills in `report`.
REPORTS: list[Mutant] = [
    ("head left out", REPORT_TRAINABLE, "trainable = sum(p.numel() for n, p in "
     "model.named_parameters() if p.requires_grad and 'lora_' in n)", "leaves out the head"),
    ("counted everything", REPORT_TRAINABLE, "_, trainable = count_parameters(model)",
     "trainable is"),
    ("numbers for bytes", "4 * trainable,", "trainable,", "takes 4 bytes"),
    ("evaluated on the training set", "accuracy_with_interval(run.test.correct)",
     "accuracy_with_interval(evaluate.predict(model, tokenizer, reviews.train).correct)",
     "The training set, perhaps"),
    ("standard error for interval", REPORT_ACCURACY,
     "accuracy = run.test.correct.mean(); low, high = accuracy - 0.01, accuracy + 0.01",
     "no 95 % interval"),
    ("claims too much", '"yes" if low > 0.8 else "no" if high < 0.8 else "cannot tell"',
     '"no" if low > 0.8 else "yes"', "what follows is"),
    ("not filled in", '"adapter_bytes": 4 * trainable,', '"adapter_bytes": None,',
     "Not filled in yet: adapter_bytes"),
]  # fmt: skip
