"""Memory explorer: what a training step needs, by kind and over time, and which GPUs hold it.

    memory_explorer("llama-2-7b", "qlora", batch=4, seq=1024)           # sliders, in a notebook
    memory_explorer_static("llama-2-7b", "qlora", batch=4, seq=1024)    # the picture, no kernel

The closed form is drawn at once; the simulation, which takes seconds for a large model, replaces it
when it is ready. Both are kept, so a setting that was seen before comes back at once.
"""

from __future__ import annotations

import io
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from fttools.widgets.memory_picture import Picture, Setting, closed_form, draw, simulated

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MODELS = (
    "all-minilm-l6-v2", "bert-base-uncased", "roberta-large", "gpt2", "opt-1.3b", "t5-base",
    "qwen2.5-0.5b", "tinyllama-1.1b", "llama-3.2-3b", "llama-2-7b", "mistral-7b-v0.1",
    "llama-2-13b",
)  # fmt: skip
METHODS = ("full", "lora", "qlora", "adapter", "ia3", "prefix", "prompt")
BATCHES = tuple(2**i for i in range(8))
LENGTHS = (64, 128, 256, 384, 512, 1024, 2048, 4096)
RANKS = tuple(2**i for i in range(9))


def memory_explorer_static(
    model: str = "bert-base-uncased",
    method: str = "full",
    *,
    simulate: bool = True,
    **settings: Any,
) -> Figure:
    """The explorer's picture for one setting (fields of `Setting`): the simulation beside the
    closed form, or the closed form alone. Raises what `Setting` and `estimate` raise."""
    setting = Setting(model, method, **settings)
    return draw(closed_form(setting), simulated(setting) if simulate else None)


class Explorer:
    """The widget's parts: `controls` by name, `image` (PNG), `message`, and what is shown now:
    `setting`, `formula` and `simulation` (a Picture each, the latter None while it runs),
    `figure`. `box` is the widget itself."""

    def __init__(self, setting: Setting, simulate: bool = True) -> None:
        import ipywidgets as w

        self.simulate = simulate
        self.setting = setting
        self.formula: Picture | None = None
        self.simulation: Picture | None = None
        self.figure: Figure | None = None
        self.closed: dict[Setting, Picture] = {}
        self.ready: dict[Setting, Picture | str] = {}
        self.drawn: dict[tuple[Setting, bool], tuple[Figure, bytes]] = {}
        self.lock = threading.RLock()
        self.worker = ThreadPoolExecutor(1, thread_name_prefix="memory-explorer")
        self.job: Future[None] | None = None
        self.controls = self._controls(w)
        self.image = w.Image(format="png")
        self.message = w.HTML()
        for control in self.controls.values():
            control.observe(self._changed, "value")
        rows = [w.HBox(list(self.controls.values())[i : i + 3]) for i in (0, 3, 6)]
        self.box = w.VBox([*rows, self.message, self.image])
        self.box.explorer = self  # the parts stay within reach of whoever holds the widget
        self.update()

    def _controls(self, w: Any) -> dict[str, Any]:
        def menu(name: str, options: tuple[Any, ...]) -> Any:
            value = getattr(self.setting, name)
            return w.Dropdown(options=sorted({*options, value}) if name == "model" else options,
                              value=value, description=name)  # fmt: skip

        def slider(name: str, options: tuple[int, ...]) -> Any:
            value = getattr(self.setting, name)
            return w.SelectionSlider(options=sorted({*options, value}), value=value,
                                     description=name, continuous_update=False)  # fmt: skip

        return {
            "model": menu("model", MODELS),
            "method": menu("method", METHODS),
            "weights": menu("weights", ("fp32", "bf16", "fp16")),
            "batch": slider("batch", BATCHES),
            "seq": slider("seq", LENGTHS),
            "rank": slider("rank", RANKS),
            "amp": menu("amp", ("none", "bf16", "fp16")),
            "optim": menu("optim", ("adamw_torch_fused", "paged_adamw_8bit", "adafactor", "sgd")),
            "checkpointing": w.Checkbox(self.setting.checkpointing, description="checkpointing"),
        }

    def _changed(self, _: Any) -> None:
        self.update()

    def update(self) -> None:
        """Show the controls' setting: the closed form (or what is known), then the simulation."""
        from fttools.errors import FTError

        values = {name: control.value for name, control in self.controls.items()}
        setting = Setting(**values)
        with self.lock:
            self.setting = setting
            try:
                if setting not in self.closed:
                    self.closed[setting] = closed_form(setting)
            except FTError as err:
                self._say(f"<b>{err.message}</b> Try: {err.remedy}")
                return
            self.formula = self.closed[setting]
            self._show()
            if self.simulate and setting not in self.ready:
                if self.job is not None:
                    self.job.cancel()  # one that has not begun; the one that runs fills the cache
                self.job = self.worker.submit(self._simulate, setting)

    def _simulate(self, setting: Setting) -> None:
        from fttools.errors import FTError

        try:
            result: Picture | str = simulated(setting)
        except FTError as err:
            result = f"{err.message} Try: {err.remedy}"
        except Exception as err:  # shown: a thread's exception would vanish
            result = f"The simulation failed: {type(err).__name__}: {err}"
        with self.lock:
            self.ready[setting] = result
            if setting == self.setting:
                self._show()

    def _show(self) -> None:
        result = self.ready.get(self.setting)
        self.simulation = result if isinstance(result, Picture) else None
        assert self.formula is not None
        key = (self.setting, self.simulation is not None)
        if key not in self.drawn:
            figure = draw(self.formula, self.simulation)
            buffer = io.BytesIO()
            figure.savefig(buffer, format="png")
            self.drawn[key] = figure, buffer.getvalue()
        self.figure, self.image.value = self.drawn[key]
        if isinstance(result, str):
            self._say(f"<b>{result}</b>")
        elif result is None and self.simulate:
            self._say(f"{self.formula.sentence()} <i>Simulating …</i>")
        else:
            self._say((self.simulation or self.formula).sentence())

    def _say(self, text: str) -> None:
        self.message.value = text

    def wait(self, timeout: float = 60) -> None:
        """Until the simulation under way is shown."""
        if self.job is not None:
            self.job.result(timeout)


def memory_explorer(
    model: str = "bert-base-uncased",
    method: str = "full",
    *,
    simulate: bool = True,
    **settings: Any,
) -> Any:
    """The widget, starting at one setting; its `explorer` attribute holds the parts.

    Without a live kernel a saved notebook shows only text: show `memory_explorer_static` beside it.
    """
    return Explorer(Setting(model, method, **settings), simulate).box
