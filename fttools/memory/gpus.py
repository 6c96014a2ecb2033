"""GPUs people fine-tune on: memory, generation, number formats, speed.

`memory` is what PyTorch reports as the device's total (`get_device_properties(0).total_memory`),
a little less than the nominal size: error correction, the driver and page tables take the rest.
A display attached to a consumer card takes some 0.5 to 1 GiB more, which is not counted here.
Peak speeds are dense (no sparsity) tensor-core figures of the makers' data sheets; real training
reaches 30 to 60 % of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from fttools.errors import FTError, suggest

MIB = 2**20
GIB = 2**30


class UnknownGpu(FTError, ValueError):
    """No GPU of that name in the table."""


@dataclass(frozen=True)
class Gpu:
    """One GPU. `memory` in bytes, `capability` as CUDA numbers it, `bandwidth` in GB/s,
    `tflops` the dense peak in the fastest 16-bit format it has (bf16, else fp16), `processors` the
    number of streaming multiprocessors."""

    name: str
    memory: int
    capability: tuple[int, int]
    bandwidth: float
    tflops: float
    processors: int
    source: str

    @property
    def threads(self) -> int:
        """Threads that one of its processors holds (CUDA programming guide, table of compute
        capabilities)."""
        return {(7, 5): 1024, (8, 6): 1536, (8, 9): 1536, (12, 0): 1536}.get(self.capability, 2048)

    @property
    def cublas_workspace(self) -> int:
        """Bytes that PyTorch reserves for each thread's cuBLAS handle (aten's CUDABlas.cpp)."""
        return 32 * MIB if self.capability >= (9, 0) else 4096 * 1024 * 2 + 16 * 1024 * 8

    @property
    def bf16(self) -> bool:
        """Whether the hardware computes in bf16 (Ampere, 8.0, and later)."""
        return self.capability >= (8, 0)

    @property
    def flash(self) -> bool:
        """Whether PyTorch's FlashAttention kernel runs (Ampere and later)."""
        return self.capability >= (8, 0)

    @property
    def context(self) -> int:
        """CUDA context and libraries, bytes. 771 to 777 MiB was measured on an H200 with
        PyTorch 2.11 and CUDA 13 after training had loaded its kernels; older generations load less
        (no Hopper kernels, fewer processors), about 500 MiB."""
        return (776 if self.capability >= (9, 0) else 500) * MIB


_ADA = "NVIDIA Ada GPU architecture white paper, 2023"
_A = "NVIDIA Ampere GA102 white paper, 2021"
_ROWS: tuple[tuple[str, int, tuple[int, int], float, float, int, str], ...] = (
    # name, MiB that PyTorch sees, compute capability, GB/s, TFLOP/s in 16 bits, processors, source
    ("T4", 15_000, (7, 5), 320, 65, 40, "NVIDIA T4 data sheet, 2019"),
    ("P100", 16_200, (6, 0), 732, 18.7, 56, "NVIDIA P100 data sheet, 2016"),
    ("V100-16GB", 16_150, (7, 0), 900, 112, 80, "NVIDIA V100 data sheet, 2020"),
    ("V100-32GB", 32_480, (7, 0), 900, 112, 80, "NVIDIA V100 data sheet, 2020"),
    ("RTX-3060-12GB", 12_030, (8, 6), 360, 51, 28, _A),
    ("RTX-3090", 24_240, (8, 6), 936, 71, 82, _A),
    ("RTX-4060Ti-16GB", 15_940, (8, 9), 288, 88, 34, _ADA),
    ("RTX-4070", 11_990, (8, 9), 504, 117, 46, _ADA),
    ("RTX-4080", 15_940, (8, 9), 717, 195, 76, _ADA),
    ("RTX-4090", 24_080, (8, 9), 1008, 165, 128, _ADA),
    ("RTX-5090", 32_100, (12, 0), 1792, 210, 170, "NVIDIA RTX Blackwell white paper, 2025"),
    ("A10", 22_500, (8, 6), 600, 125, 72, "NVIDIA A10 data sheet, 2021"),
    ("A10G", 22_500, (8, 6), 600, 70, 80, "AWS EC2 G5 documentation; NVIDIA A10G"),
    ("A40", 45_480, (8, 6), 696, 150, 84, "NVIDIA A40 data sheet, 2021"),
    ("RTX-A6000", 48_600, (8, 6), 768, 155, 84, "NVIDIA RTX A6000 data sheet, 2021"),
    ("L4", 22_560, (8, 9), 300, 121, 58, "NVIDIA L4 data sheet, 2023"),
    ("L40S", 45_460, (8, 9), 864, 362, 142, "NVIDIA L40S data sheet, 2023"),
    ("A100-40GB", 40_330, (8, 0), 1555, 312, 108, "NVIDIA A100 data sheet, 2021"),
    ("A100-80GB", 81_040, (8, 0), 2039, 312, 108, "NVIDIA A100 data sheet, 2021"),
    ("H100", 81_000, (9, 0), 3350, 989, 132, "NVIDIA H100 data sheet, 2023"),
    ("H200", 143_100, (9, 0), 4800, 989, 132, "NVIDIA H200 data sheet, 2024"),
)
GPUS: dict[str, Gpu] = {row[0]: Gpu(row[0], row[1] * MIB, *row[2:]) for row in _ROWS}
_ALIASES = {
    "V100": "V100-16GB",
    "A100": "A100-80GB",
    "A6000": "RTX-A6000",
    "4060TI": "RTX-4060Ti-16GB",
    "3060": "RTX-3060-12GB",
}


def find(name: str) -> Gpu:
    """The GPU called `name`, in any case and spacing ("rtx 4090", "4090", "NVIDIA A100").

    Raises UnknownGpu with the nearest names.
    """

    def plain(text: str) -> str:
        upper = text.upper().replace("NVIDIA", "").replace("GEFORCE", "")
        return (
            upper.replace(" ", "")
            .replace("-", "")
            .replace("_", "")
            .removeprefix("RTX")
            .removeprefix("TESLA")
        )

    wanted = plain(str(name))
    for alias, full in _ALIASES.items():
        if wanted == plain(alias):
            return GPUS[full]
    by_name = {plain(n): gpu for n, gpu in GPUS.items()}
    if wanted in by_name:
        return by_name[wanted]
    starts = [gpu for n, gpu in by_name.items() if wanted and n.startswith(wanted)]
    if len(starts) == 1:
        return starts[0]
    raise UnknownGpu(f"There is no GPU {name!r} in the table.", suggest(str(name), GPUS))
