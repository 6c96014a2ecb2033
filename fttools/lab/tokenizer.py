"""The tokenizer: byte-level BPE (Sennrich et al. 2016) trained on the corpus.

    python -m fttools.lab.tokenizer --out fttools/lab/weights

A plain transformers fast tokenizer: <pad>, <bos> and <eos> are three different tokens, and encoding
a text puts <bos> before it. Any bytes can be encoded; the world's words are mostly single tokens.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from fttools.lab.corpus import documents

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

VOCABULARY = 4096
SPECIAL = PAD, BOS, EOS = ("<pad>", "<bos>", "<eos>")  # ids 0, 1, 2
DOCUMENTS, SEED = 40_000, 1


def train(texts: Iterable[str], vocabulary: int = VOCABULARY) -> PreTrainedTokenizerFast:
    """A tokenizer with `vocabulary` entries from `texts`."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=list(SPECIAL), show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    core.train_from_iterator(texts, trainer)
    core.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A $B", special_tokens=[(BOS, SPECIAL.index(BOS))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token=PAD, bos_token=BOS, eos_token=EOS, model_max_length=512,
        clean_up_tokenization_spaces=False,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the lab tokenizer.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--documents", type=int, default=DOCUMENTS)
    arguments = parser.parse_args()
    tokenizer = train(documents(SEED, 0, arguments.documents))
    tokenizer.save_pretrained(arguments.out)
    print(f"{len(tokenizer):,} entries in {arguments.out}")


if __name__ == "__main__":
    main()
