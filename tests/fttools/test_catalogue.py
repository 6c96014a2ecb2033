"""The catalogue: every model builds to its published total; names resolve; mistakes are named."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from fttools import catalogue
from fttools.errors import UnknownModel

# Totals that the authors or the checkpoints state, for what `catalogue.build` builds (two labels
# for encoders). Written here again, so that an edit of the catalogue cannot move both.
PUBLISHED = {
    "bert-base-uncased": 109_482_240 + 2 * 768 + 2,
    "bert-large-uncased": 335_141_888 + 2 * 1024 + 2,
    "roberta-large": 355_361_794,
    "all-minilm-l6-v2": 22_713_216 + 2 * 384 + 2,
    "gpt2": 124_439_808,
    "gpt2-medium": 354_823_168,
    "gpt2-large": 774_030_080,
    "gpt2-xl": 1_557_611_200,
    "opt-125m": 125_239_296,
    "opt-350m": 331_196_416,
    "opt-1.3b": 1_315_758_080,
    "opt-6.7b": 6_658_473_984,
    "pythia-410m": 405_334_016,
    "pythia-6.9b": 6_857_302_016,
    "bloomz-560m": 559_214_592,
    "bloomz-7b1": 7_069_016_064,
    "gpt-j-6b": 6_050_882_784,
    "llama-2-7b": 6_738_415_616,
    "llama-2-13b": 13_015_864_320,
    "llama-2-70b": 68_976_648_192,
    "llama-3.1-8b": 8_030_261_248,
    "llama-3.2-1b": 1_235_814_400,
    "llama-3.2-3b": 3_212_749_824,
    "tinyllama-1.1b": 1_100_048_384,
    "smollm2-135m": 134_515_008,
    "mistral-7b-v0.1": 7_241_732_096,
    "qwen2.5-0.5b": 494_032_768,
    "qwen2.5-7b": 7_615_616_512,
    "qwen2.5-32b": 32_763_876_352,
    "gemma-2b": 2_506_172_416,
    "gemma-7b": 8_537_680_896,
    "gemma-2-2b": 2_614_341_888,
    "phi-2": 2_779_683_840,
    "phi-3-mini": 3_821_079_552,
    "falcon-7b": 6_921_720_704,
    "t5-small": 60_506_624,
    "t5-base": 222_903_552,
    "t5-3b": 2_851_598_336,
    "t5-11b": 11_307_321_344,
    "flan-t5-base": 247_577_856,
    "flan-t5-xxl": 11_135_332_352,
    "mt5-small": 300_176_768,
    "bart-base": 139_420_416,
    "bart-large": 406_291_456,
}


@pytest.mark.parametrize("entry", catalogue.entries(), ids=lambda e: e.name)
def test_every_model_builds_to_its_total(entry: catalogue.Entry) -> None:
    config = catalogue.read_config(entry.name)
    assert catalogue.default_task(config) == entry.task
    model = catalogue.build(config)
    total = sum(p.numel() for p in model.parameters())
    assert total == entry.total == PUBLISHED.get(entry.name, total)
    assert all(p.is_meta for p in model.parameters())
    assert entry.dtype in ("fp32", "fp16", "bf16") and entry.licence


def test_no_two_models_share_a_name() -> None:
    names = [name for entry in catalogue.entries() for name in entry.names]
    assert len(names) == len(set(names)) and len(catalogue.entries()) >= 25
    assert {e.kind for e in catalogue.entries()} == set(catalogue.TASK_OF_KIND)
    assert PUBLISHED.keys() <= {e.name for e in catalogue.entries()}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("llama-2-7b", "llama-2-7b"),
        ("meta-llama/Llama-2-7b-hf", "llama-2-7b"),
        ("META-LLAMA/LLAMA-2-7B-HF", "llama-2-7b"),
        ("Llama-2-7b-hf", "llama-2-7b"),
        ("Qwen/Qwen2.5-7B-Instruct", "qwen2.5-7b"),
        ("google-bert/bert-base-uncased", "bert-base-uncased"),
        ("facebook/opt-1.3b", "opt-1.3b"),
        (" GPT2 ", "gpt2"),
    ],
)
def test_names_resolve(name: str, expected: str) -> None:
    found = catalogue.find(name)
    assert found is not None and found.name == expected


def test_roles_paths_and_folders(tmp_path: Path) -> None:
    assert catalogue.read_config("encoder").hidden_size == 384
    fields = {"model_type": "bert", "hidden_size": 32, "num_hidden_layers": 2, "vocab_size": 50,
              "num_attention_heads": 2, "intermediate_size": 64}  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(fields))
    for path in (tmp_path, tmp_path / "config.json"):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert catalogue.read_config(str(path)).hidden_size == 32
    del fields["hidden_size"]
    (tmp_path / "config.json").write_text(json.dumps(fields))
    with pytest.warns(catalogue.IncompleteConfig, match="width"):
        catalogue.read_config(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "near"), [("llama-2-7", "llama-2-7b"), ("bert-bas-uncased", "bert-base-uncased"),
                       ("mistralai/mistral7b", "mistral-7b-v0.1"), ("gtp2", "gpt2")],
)  # fmt: skip
def test_unknown_names_get_the_nearest(name: str, near: str) -> None:
    with pytest.raises(UnknownModel) as caught:
        catalogue.read_config(name)
    assert near in caught.value.remedy and "--list" in caught.value.remedy


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "not readable JSON"),
        ("[1]", "no 'model_type'"),
        ('{"hidden_size": 8}', "no 'model_type'"),
        ('{"model_type": "lama"}', "no architecture 'lama'"),
        ('{"model_type": "bert", "hidden_size": 0, "vocab_size": 9}', "hidden_size is 0"),
        ('{"model_type": "bert", "hidden_size": "wide", "vocab_size": 9}', "refuses"),
    ],
)
def test_bad_config_files(content: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(content)
    with (
        warnings.catch_warnings(),
        pytest.raises(catalogue.BadConfigFile, match=says) as caught,
    ):
        warnings.simplefilter("ignore")
        catalogue.read_config(str(path))
    assert caught.value.remedy
    if "lama" in content:
        assert "'llama'" in caught.value.remedy


def test_sizes_that_do_not_fit_and_wrong_tasks() -> None:
    fields = {"model_type": "bert", "hidden_size": 30, "num_attention_heads": 4, "vocab_size": 9}
    with pytest.raises(catalogue.BadConfigFile, match="sizes"):
        catalogue.build(catalogue.from_fields(fields))
    bert = catalogue.read_config("bert-base")
    with pytest.raises(UnknownModel, match="no seq2seq-lm model") as caught:
        catalogue.build(bert, "seq2seq-lm")
    assert "seq-cls" in caught.value.remedy
    with pytest.raises(UnknownModel, match="no task"):
        catalogue.build(bert, "classify")


def test_reading_fields_needs_neither_torch_nor_transformers() -> None:
    code = (
        "import sys; from fttools import catalogue; catalogue.read_fields('llama-2-7b');"
        "print([m for m in ('torch', 'transformers', 'peft') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
