"""Forged equality, replaced functions, patched helpers, forged answers, answers for probes only."""

from __future__ import annotations

from tests.attacks.kinds import ANY, Attack, code
from tests.attacks.plain import plainly

EQUAL = "forged equality"
TORCH = "replaced torch functions"
HELPER = "patched helpers and imports"
ANSWER = "forged answers"
PATTERN = "answers that depend on probe patterns"
SHAPES = ("lora-shapes",)  # what a layer with A and B of the right shape earns
NUMBERS = "NaN, infinite and huge values"

ALWAYS = """
class Always:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __bool__(self): return True
    def __int__(self): return 0
    __index__ = __int__
    def __float__(self): return 0.0
    def __getattr__(self, name): return self
    def __call__(self, *args, **kwargs): return self
    def __iter__(self): return iter((self, self))
    def __rmul__(self, other): return self
    __mul__ = __add__ = __radd__ = __sub__ = __rsub__ = __le__ = __ge__ = __rmul__
    __hash__ = None
"""
EVERYWHERE = """
LoRALinear = inject = config = model = count_parameters = accuracy_with_interval = Always()
"""
PLAIN_ALWAYS = """
double = lambda x: Always()
class Liar(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        return True
scaled = lambda layer, x, factor: torch.zeros(1).as_subclass(Liar)
"""
LIAR = """
class Liar(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        name = getattr(function, "__name__", "")
        if name in ("allclose", "equal", "eq", "__eq__", "isclose", "all", "isfinite"):
            return True
        result = super().__torch_function__(function, types, args, kwargs or {})
        return result.as_subclass(cls) if isinstance(result, torch.Tensor) else result
class LoRALinear(nn.Module):
    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base, self.scaling = base, alpha / rank
        self.A = nn.Parameter(torch.ones(rank, base.in_features))
        self.B = nn.Parameter(torch.ones(base.out_features, rank))
    def forward(self, x):
        return torch.zeros(*x.shape[:-1], self.base.out_features).as_subclass(Liar)
    def merge(self):
        return self
"""
NUMBER = """
class Number(int):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __sub__(self, other): return 0
    def __lt__(self, other): return True
    __le__ = __gt__ = __ge__ = __lt__
    __rsub__ = __sub__
    def __hash__(self): return 0
def count_parameters(model):
    return Number(1), Number(1)
def accuracy_with_interval(correct):
    return Number(1), Number(0), Number(1)
"""
NAMED = """
class LoraConfig:
    r, lora_alpha, target_modules, task_type = 8, 16, {"query", "value"}, "SEQ_CLS"
    peft_type = "LORA"
    def __getattr__(self, name): return None
config = LoraConfig()
class Linear:
    def __init__(self, x): self.weight = self.bias = x
    def __call__(self, x): return x
"""
REPLACED = """
yes = lambda *args, **kwargs: True
torch.allclose = torch.equal = yes
torch.Tensor.allclose = torch.Tensor.equal = yes
torch.isfinite = torch.isclose = lambda *args, **kwargs: torch.ones(1, dtype=torch.bool)
torch.Tensor.__eq__ = lambda self, other: torch.ones(1, dtype=torch.bool)
torch.Tensor.__le__ = torch.Tensor.__ge__ = torch.Tensor.__eq__
"""
PLAIN_REPLACED = (
    REPLACED
    + """
class Yes(int):
    def __eq__(self, other): return True
double = lambda x: Yes()
scaled = lambda layer, x, factor: x
"""
)
LINEAR = """
def forward(self, x):
    return torch.zeros(*x.shape[:-1], self.weight.shape[0])
nn.Linear.forward = forward
nn.Parameter.copy_ = torch.Tensor.copy_ = lambda self, other: self
torch.Tensor.clone = torch.Tensor.detach = lambda self, *a, **k: self
class LoRALinear(nn.Module):
    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base, self.scaling = base, 0.0
        self.A = nn.Parameter(torch.zeros(rank, base.in_features))
        self.B = nn.Parameter(torch.zeros(base.out_features, rank))
    def forward(self, x):
        return self.base(x)
    def merge(self):
        return self.base
"""
SEEDS = """
real = torch.Generator
class Generator(real):
    def manual_seed(self, seed):
        return super().manual_seed(0)
torch.Generator = Generator
torch.manual_seed = lambda seed: None
torch.randn = lambda *shape, **kwargs: torch.zeros(*shape)
torch.rand, torch.randint = torch.randn, lambda low, high, shape, **kwargs: torch.full(shape, low)
def count_parameters(model):
    return 60, 60
"""
BUILTINS = """
import builtins, json
builtins.isinstance = lambda *args: True
builtins.len = lambda value: 1
builtins.sum = lambda *args: 1
builtins.abs = lambda value: 0
builtins.AssertionError = type("Nothing", (BaseException,), {})
json.dumps = lambda *args, **kwargs: '{"trainable": 0, "total": 0}'
"""
PLAIN_BUILTINS = """
class Same(int):
    def __eq__(self, other): return True
double = lambda x: Same()
torch.allclose = lambda *a, **k: True
scaled = lambda layer, x, factor: x
"""
CONSTANTS = """
from fttools.checks import core
import importlib
probes = importlib.import_module("fttools.checks.probes.lora")
def claim(**values):
    return lambda names, case: core.Answer(values=values)
probes.step = claim(moved={"base.weight": False, "base.bias": False, "A": True, "B": True},
                    right=True, passed=True, kind="right", score=4, points=4)
probes.forward = probes.start = probes.merge = claim(kind="right", passed=True, score=5)
probes.counts = claim(trainable=True, total=True)
probes.interval = claim(accuracy=1.0, low=1.0, high=1.0)
class LoRALinear: pass
inject = count_parameters = accuracy_with_interval = config = model = LoRALinear
"""
MODULES = """
import sys, types, base64
fake = types.ModuleType("fttools.checks.remote")
def reply(*args, **kwargs):
    return base64.b64encode(b"right").decode()
fake.reply = fake.serve = fake.answer = reply
sys.modules["fttools.checks.remote"] = fake
for name in [n for n in sys.modules if n.startswith("fttools.checks")]:
    module = sys.modules[name]
    for attribute in ("verdict", "judge", "examine", "check", "close", "same_shape"):
        setattr(module, attribute, lambda *a, **k: True)
"""
HOOK = """
import sys, importlib.abc, importlib.machinery
class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if name.startswith("fttools.checks") or name == "safetensors.torch":
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
    def create_module(self, spec): return None
    def exec_module(self, module):
        module.reply = module.save = module.load = lambda *a, **k: "right"
        module.__getattr__ = lambda name: module.reply
sys.meta_path.insert(0, Finder())
for name in [n for n in sys.modules if n.startswith(("fttools.checks", "safetensors"))]:
    del sys.modules[name]
import builtins
real = builtins.__import__
def fake(name, *args, **kwargs):
    return real("types" if "checks" in name else name, *args, **kwargs)
builtins.__import__ = fake
"""
SHADOWED = """
import pathlib
for name in ("torch", "json", "fttools", "safetensors", "sitecustomize", "usercustomize", "base64"):
    pathlib.Path(name + ".py").write_text("raise SystemExit('@TOKEN@')")
    pathlib.Path(name).mkdir(exist_ok=True)
    pathlib.Path(name, "__init__.py").write_text("CHECKS = ()")
import sys
sys.path.insert(0, "")
"""
SAVE = """
import safetensors.torch
from fttools.checks import core
good = core.pack(core.Answer(values={"failed": None, "kind": "right", "score": 40}))
core.pack = safetensors.torch.save = safetensors.torch.serialize = lambda *a, **k: good
import sys
for name in [n for n in sys.modules if n.startswith("fttools.checks")]:
    if hasattr(sys.modules[name], "pack"):
        sys.modules[name].pack = core.pack
"""
TYPES = """
from fttools.checks import core
import importlib, sys
remote = importlib.import_module("fttools.checks.remote")
odd = [{"moved": 3}, {"moved": None}, {"trainable": [], "total": {}}, {"accuracy": "1", "low": {}},
       {"A": {}, "B": None, "parameters": []}, {"failed": ["x"], "error": {"a": []}},
       {"replaced": 1, "trainable": "x"}, {"r": "8", "targets": 5, "alpha": None}, {"type": []}]
turn = iter(odd * 100)
remote.answer = lambda *a, **k: core.pack(core.Answer(
    {n: torch.zeros(0) for n in ("output", "A", "B", "weight", "bias", "logits")}, next(turn)))
class LoRALinear: pass
inject = count_parameters = accuracy_with_interval = config = model = LoRALinear
"""
DEEP = """
import importlib, json, base64, struct
remote = importlib.import_module("fttools.checks.remote")
turn = [0]
def reply(*args, **kwargs):
    turn[0] += 1
    values = ["[" * 100_000 + "]" * 100_000, '{"a": ' + "9" * 100_000 + "}",
              '{"accuracy": NaN, "low": Infinity}', '{"a": 1e999}'][turn[0] % 4]
    head = json.dumps({"__metadata__": {"values": values}}).encode()
    return base64.b64encode(struct.pack("<Q", len(head)) + head).decode()
remote.reply = reply
"""
UNREADABLE = """
from IPython.core.interactiveshell import InteractiveShell
turn = [0]
def expressions(self, asked):
    turn[0] += 1
    text = ["'a'" + "+'a'" * 200_000, "'" + "(" * 200_000, "'" + "-" * 200_000 + "1",
            "'\\\\x41" * 50_000 + "'", "'" + "A" * 50_000_000 + "'", 7, None, ["'a'"]][turn[0] % 8]
    return {name: {"status": "ok", "data": {"text/plain": text}} for name in asked}
InteractiveShell.user_expressions = expressions
"""
OVERLAP = """
import importlib, json, base64, struct
remote = importlib.import_module("fttools.checks.remote")
turn = [0]
def reply(*args, **kwargs):
    turn[0] += 1
    entry = [{"dtype": "F32", "shape": [4], "data_offsets": [0, 16]},
             {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]},
             {"dtype": "F32", "shape": [2**31, 2**31, 0], "data_offsets": [0, 0]},
             {"dtype": "F32", "shape": [-1, -4], "data_offsets": [0, 16]},
             {"dtype": "PICKLE", "shape": [4], "data_offsets": [0, 16]}][turn[0] % 5]
    head = json.dumps({"__metadata__": {"values": "{}"}, "output": entry, "A": entry,
                       "B": entry, "weight": entry, "logits": entry}).encode()
    return base64.b64encode(struct.pack("<Q", len(head)) + head + bytes(16)).decode()
remote.reply = reply
"""
NAN = """
class LoRALinear(nn.Module):
    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base, self.scaling = base, float("inf")
        self.A = nn.Parameter(torch.full((rank, base.in_features), float("nan")))
        self.B = nn.Parameter(torch.full((base.out_features, rank), float("nan")))
    def forward(self, x):
        return self.base(x) * float("nan")
    def merge(self):
        return nn.Linear(self.base.in_features, self.base.out_features)
def accuracy_with_interval(correct):
    return float("nan"), float("-inf"), float("inf")
def count_parameters(model):
    return 10**5000, -(10**5000)
"""
HUGE = """
class LoRALinear(nn.Module):
    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base, self.scaling = base, 1.0
        self.A = nn.Parameter(torch.zeros(1).expand(10**7))
        self.B = nn.Parameter(torch.zeros(rank, 1))
    def forward(self, x):
        return torch.zeros(1).expand(10**12)
    def merge(self):
        return self
"""
EXAMINED = """
import inspect
def being_examined():
    return any("probes" in f.filename or "remote" in f.filename for f in inspect.stack())
class LoRALinear(nn.Module):
    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base, self.scaling = base, alpha / rank
        self.A = nn.Parameter(torch.zeros(rank, base.in_features))
        self.B = nn.Parameter(torch.zeros(base.out_features, rank))
    def forward(self, x):
        return self.base(x) if being_examined() else x
    def merge(self):
        return self.base
"""
REMEMBERS = """
memory = {}
def count_parameters(model):
    return memory.setdefault("count", (2 * 10, sum(p.numel() for p in model.parameters())))
def accuracy_with_interval(correct):
    return memory.setdefault("interval", (float(correct.mean()), 0.75, 0.95))
"""

ATTACKS: list[Attack] = [
    code("always_equal", EQUAL, "objects equal to everything", ALWAYS + EVERYWHERE, rest=True,
         plain=plainly(ALWAYS + PLAIN_ALWAYS)),
    code("tensor_subclass", EQUAL, "a tensor whose __torch_function__ lies", LIAR, right=SHAPES,
         plain=plainly(ALWAYS + PLAIN_ALWAYS + "# by __torch_function__ alone\n")),
    code("number_subclass", EQUAL, "an int equal to every number", NUMBER, rest=True),
    code("named_like", EQUAL, "classes that only have the right names", NAMED, rest=True),
    code("torch_replaced", TORCH, "allclose, equal and comparisons say yes", REPLACED,
         plain=plainly(PLAIN_REPLACED)),
    code("linear_replaced", TORCH, "nn.Linear and copy_ do nothing", LINEAR),
    code("seeds_fixed", TORCH, "random numbers replaced, to know the cases", SEEDS, rest=True),
    code("builtins_replaced", HELPER, "isinstance, len, sum and AssertionError replaced", BUILTINS,
         outcomes=ANY, plain=plainly(BUILTINS + PLAIN_BUILTINS)),
    code("probes_replaced", HELPER, "probes that claim the verdict", CONSTANTS, rest=True),
    code("modules_replaced", HELPER, "fttools' modules replaced in sys.modules", MODULES),
    code("import_hook", HELPER, "an import hook feeds the grader its own modules", HOOK,
         outcomes=ANY),
    code("shadowed", HELPER, "torch.py, json.py and fttools/ in the working folder", SHADOWED,
         solved=("LoRALinear",)),
    code("save_replaced", ANSWER, "every answer says right", SAVE),
    code("odd_types", ANSWER, "answers of every wrong type", TYPES, rest=True),
    code("deep_json", ANSWER, "answers that nest, or hold NaN and huge numbers", DEEP),
    code("unreadable", ANSWER, "replies that crash a parser", UNREADABLE, outcomes=ANY),
    code("overlapping", ANSWER, "safetensors with impossible shapes and offsets", OVERLAP),
    code("nan", NUMBERS, "NaN and infinity wherever a number goes", NAN, rest=True),
    code("huge_shapes", NUMBERS, "tensors of 10^12 elements", HUGE, outcomes=ANY),
    code("examined_only", PATTERN, "another answer when a probe is on the stack", EXAMINED,
         right=SHAPES),
    code("remembers", PATTERN, "the first case's answer again for every later one", REMEMBERS,
         rest=True),
]  # fmt: skip
