"""The closed form: a training step's memory as a sum of terms, each with its derivation.

It is for explaining and for a cross-check; `estimate` is the accurate one. T = batch · seq tokens
(with virtual ones), L layers of width h, feed-forward width f, V words, b bytes a value of the
compute type. At the peak, one of two moments wins:

    loss        weights + adapter + optimizer + L · layer + logits       (no gradients yet)
    last layer  weights + adapter + optimizer + gradients + one layer
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fttools.memory import gpus
from fttools.methods import Full, LoRA, Method, QLoRA

BYTES = {"fp32": 4, "bf16": 2, "fp16": 2}
REASONS = {
    "activations": "The closed form counts a usual transformer layer; the simulation runs this "
    "model's own code, with its masks, casts and copies.",
    "logits_loss": "The closed form takes three fp32 copies of the logits; which are alive at the "
    "peak depends on the moment.",
    "gradients": "The peak falls in another moment of backward than the closed form takes.",
    "weights": "Which layers are quantized or cast depends on the architecture.",
    "workspaces": "Temporaries of single kernels are not in the closed form.",
}


@dataclass(frozen=True)
class Term:
    """One summand: bytes, and the formula that gives it."""

    name: str
    bytes: int
    formula: str


@dataclass(frozen=True)
class Formula:
    """The closed form's result, bytes. `terms` explain it; `breakdown` uses `estimate`'s names."""

    terms: tuple[Term, ...]
    breakdown: dict[str, int]
    peak_allocated: int
    peak_reserved: int
    context: int
    device_total: int

    def reason(self, part: str) -> str:
        """Why the simulation may say otherwise about a part."""
        return REASONS.get(part, "The simulation follows the libraries' own order of events.")


def _first(config: Any, *names: str, default: int = 0) -> int:
    for name in names:
        value = getattr(config, name, None)
        if isinstance(value, int) and value:
            return value
    return default


def formula(
    config: Any,
    method: Method,
    *,
    task: str = "causal-lm",
    batch: int,
    seq: int,
    accumulate: int = 1,
    weights: str = "fp32",
    amp: str = "none",
    optim: str = "adamw_torch_fused",
    checkpointing: bool = False,
    attention: str = "sdpa",
    padded: bool = False,
    labels: int = 2,
    gpu: str = "H200",
) -> Formula:
    """The closed form for the settings of `estimate`; same names, same units."""
    import copy

    from fttools import params

    card = gpus.find(gpu)
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    counts = params.count(copy.deepcopy(config), method, task, labels)
    h = _first(text, "hidden_size", "d_model", "n_embd", "dim")
    layers = _first(text, "num_hidden_layers", "n_layer", "n_layers", "num_layers")
    layers += _first(text, "decoder_layers", "num_decoder_layers") if task == "seq2seq-lm" else 0
    f = _first(text, "intermediate_size", "ffn_dim", "d_ff", "hidden_dim", "n_inner",
               "encoder_ffn_dim", default=4 * h)  # fmt: skip
    heads = _first(text, "num_attention_heads", "n_head", "n_heads", "num_heads", default=1)
    kv = _first(text, "num_key_value_heads", default=heads)
    vocabulary = _first(text, "vocab_size")
    gated = (
        "silu" in str(getattr(text, "hidden_act", ""))
        or "gated" in str(getattr(text, "feed_forward_proj", ""))
        or getattr(text, "model_type", "").startswith("gemma")
    )
    drop = any((getattr(text, n, 0) or 0) > 0 for n in
               ("hidden_dropout_prob", "dropout", "resid_pdrop", "dropout_rate"))  # fmt: skip
    tokens = batch * (seq + int(getattr(method, "tokens", 0)))
    quantized = isinstance(method, QLoRA)
    compute = BYTES[amp] if amp != "none" else 2 if quantized else BYTES[weights]
    stored = 2 if quantized else BYTES[weights]
    whole = isinstance(method, Full)
    trained = counts.trainable
    base = counts.total - (0 if whole else trained)
    terms: list[Term] = []

    def term(name: str, size: float, why: str) -> int:
        terms.append(Term(name, int(size), why))
        return int(size)

    if quantized:
        tied = bool(getattr(text, "tie_word_embeddings", False))
        embeddings = vocabulary * h * (1 if tied else 2)
        linear = max(0, base - embeddings)
        bits = 0.5 + (1 + 4 / 256) / 64 if method.double_quant else 0.5 + 4 / 64  # type: ignore[attr-defined]
        w = term("weights", linear * bits + embeddings * 4,
                 f"linear layers in NF4 ({8 * bits:.3f} bits), embeddings in fp32")  # fmt: skip
    else:
        w = term("weights", base * stored, f"{base:,} parameters x {stored} bytes")
    item = stored if whole else 4
    adapter = 0 if whole else term("adapter", trained * 4, f"{trained:,} parameters in fp32")
    gradients = term("gradients", trained * item, "one a trained parameter")
    per = {"sgd": 0, "adafactor": 0}.get(optim, 2.06 if "8bit" in optim else 2 * item)
    if "paged" in optim:
        per = 0
    states = term("optimizer", trained * per, f"{per:g} bytes a trained parameter ({optim})")
    wide = compute
    norm = 4 if amp != "none" else compute
    inputs = 1.0 if whole else 0.6  # a frozen linear layer keeps no input, an adapted one does
    layer = tokens * (
        2 * h * norm  # inputs of the two norms
        + 2 * h * wide * inputs  # their outputs, inputs of linear layers
        + (2 * h + 2 * h * kv // heads) * wide  # q, k, v and the attention's result
        + (4 if gated else 2) * f * wide  # feed-forward: before and after the activation
        + (2 * h if drop else 0)  # dropout masks, a byte each
        + 4 * heads  # log-sum-exp
    )
    if isinstance(method, LoRA):
        layer += tokens * 4 * h * (4 if amp == "none" and compute == 2 else 0)
    if attention == "eager":
        layer += 3 * batch * heads * seq * seq * wide
    if checkpointing:
        act = term("activations", layers * tokens * h * wide + layer,
                   "a layer's input each, and one layer recomputed")  # fmt: skip
    else:
        act = term("activations", layers * layer, f"{layers} layers x {int(layer):,} bytes")
    logits = 0
    if task != "seq-cls":
        logits = term("logits_loss", tokens * vocabulary * 12,
                      "log-probabilities, their gradient and the logits' in fp32")  # fmt: skip
    workspaces = 2 * card.cublas_workspace + 2**20
    fixed = w + adapter + states
    cast = counts.total * 2 if whole and amp != "none" else 0  # autocast's copies of the weights
    loss = fixed + act + logits + cast
    last = fixed + gradients + layer
    if accumulate > 1:
        loss += gradients
    at_loss = loss >= last
    parts = {
        "weights": w,
        "adapter": adapter,
        "gradients": gradients if not at_loss or accumulate > 1 else 0,
        "optimizer": states,
        "activations": act + cast if at_loss else int(layer),
        "logits_loss": logits if at_loss else 0,
        "workspaces": workspaces,
    }
    peak = sum(parts.values())
    reserved = int(1.05 * peak)
    parts["cache"] = reserved - peak
    return Formula(tuple(terms), parts, peak, reserved, card.context, reserved + card.context)
