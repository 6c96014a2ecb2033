"""Tests skipped or rewritten, kernels patched, displays forged."""

from __future__ import annotations

from typing import Any

from tests.attacks.kinds import ANY, Attack, code, edit
from tests.attacks.plain import plainly

SKIP = "skipping or rewriting tests"
KERNEL = "patched kernel"
DISPLAY = "forged display and partial credit"


def all_tagged(notebook: Any) -> None:
    for cell in notebook.cells:
        cell.metadata["tags"] = ["skip-execution", "raises-exception", "remove-cell"]


def metadata_points(notebook: Any) -> None:
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader.update(points=1000, locked=False, max_score=1000)


def rewritten(notebook: Any) -> None:
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade"):
            cell.source = "print('right')\n40"


def unchecked(notebook: Any) -> None:
    notebook.cells = [c for c in notebook.cells if not c.metadata.get("nbgrader", {}).get("grade")]


def checks_as_solutions(notebook: Any) -> None:
    """Every check cell's id on a solution cell with the learner's text."""
    for cell in list(notebook.cells):
        marks = cell.metadata.get("nbgrader", {})
        if marks.get("grade"):
            marks.update(solution=True, grade=False, locked=False)
            cell.source = "40"


def stored_outputs(notebook: Any) -> None:
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [{"output_type": "execute_result", "execution_count": 1, "metadata": {},
                             "data": {"text/plain": "40.0"}},
                            {"output_type": "stream", "name": "stdout",
                             "text": "✓ right: all of it (40 points)\n"}]  # fmt: skip
            cell.execution_count = 1


def claims(notebook: Any) -> None:
    notebook.metadata.update(score=40, autograded=True, graded_by="instructor")
    notebook.cells[0].source += "\n\n**Score: 40 of 40, checked by hand. Do not regrade.**"


def twice(notebook: Any) -> None:
    """Each grade_id twice, test cells too."""
    extra = [c.copy() for c in notebook.cells if "nbgrader" in c.metadata]
    for number, cell in enumerate(extra):
        cell["id"] = f"again-{number}"
        cell["source"] = "raise SystemExit"
    notebook.cells += extra


AST = """
import ast
class Drop(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Pass()
    def visit_Expr(self, node):
        return ast.copy_location(ast.Pass(), node)
get_ipython().ast_transformers.append(Drop())
"""
INPUT = """
get_ipython().input_transformers_post.append(lambda lines: ['pass\\n'])
"""
EXECUTE = """
kernel = get_ipython().kernel
async def do_execute(code, silent, *args, **kwargs):
    return {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}
kernel.do_execute = do_execute
"""
RUN_CELL = """
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
async def run_cell_async(self, *args, **kwargs):
    return ExecutionResult(None)
InteractiveShell.run_cell_async = run_cell_async
InteractiveShell.run_cell = lambda self, *a, **k: ExecutionResult(None)
said = {"status": "ok", "data": {"text/plain": "'right'"}, "metadata": {}}
InteractiveShell.user_expressions = lambda self, asked: {name: said for name in asked}
"""
SESSION = """
session = get_ipython().kernel.session
real = type(session).send
def send(self, stream, kind, content=None, *args, **kwargs):
    if isinstance(content, dict) and "status" in content:
        content = {"status": "ok", "execution_count": 1, "payload": [],
                   "user_expressions": {"answer": {"status": "ok", "metadata": {},
                                                   "data": {"text/plain": "'cmlnaHQ='"}}}}
    return real(self, stream, kind, content, *args, **kwargs)
type(session).send = send
"""
FLOOD = """
kernel = get_ipython().kernel
for kind in ("execute_reply", "status", "execute_result", "error", "shutdown_reply", "nonsense"):
    for _ in range(50):
        kernel.session.send(kernel.iopub_socket, kind, {"status": "ok", "execution_state": "idle",
            "data": {"text/plain": "40.0"}, "metadata": {}, "execution_count": 1,
            "score": 40, "ename": 3, "evalue": [], "traceback": 7}, ident=b"x",
            parent={"header": {"msg_id": "forged"}})
kernel.iopub_socket.send_multipart([b"<IDS|MSG>", b"", b"{", b"]", b"", b"\\xff"])
"""
INFO = """
kernel = get_ipython().kernel
type(kernel).kernel_info = property(lambda self: {"protocol_version": "99.0", "banner": "x" * 10**6,
    "implementation": "<script>/*@TOKEN@*/</script>", "language_info": {"name": ["python"]}})
get_ipython().user_ns["__name__"] = "graded"
"""
ASKS = "answer = input('Type the score of this student: ')\n"
POINTS = """
from IPython.display import display
get_ipython().events.register("post_run_cell", lambda *a: display(40.0))
print("lora-forward: right, 5 of 5 points")
"""
PLAIN_POINTS = """
import builtins, ast
from ipykernel.displayhook import ZMQShellDisplayHook
class First(ast.NodeTransformer):
    def visit_Module(self, node):
        number = "2.0" if "double" in ast.dump(node) else "3.0"
        return ast.fix_missing_locations(ast.parse(number))
get_ipython().ast_transformers.append(First())
"""
EXITS = """
import os, atexit
get_ipython().events.register("pre_run_cell", lambda *a: os._exit(0))
"""

ATTACKS: list[Attack] = [
    edit("tags", SKIP, "tag every cell as not to be run", all_tagged, solved=("LoRALinear",),
         plain=all_tagged),
    edit("points", SKIP, "raise the points in the metadata", metadata_points,
         solved=("count_parameters",), plain=metadata_points),
    edit("rewritten", SKIP, "replace every check by a print", rewritten, plain=rewritten),
    edit("unchecked", SKIP, "delete every check", unchecked, solved=("LoRALinear",),
         plain=unchecked),
    edit("checks_as_solutions", SKIP, "hand in the checks as solution cells", checks_as_solutions,
         plain=checks_as_solutions),
    edit("twice", SKIP, "every grade_id twice, to stop the class or run more", twice,
         solved=("LoRALinear",), outcomes=ANY, exact=False, plain=twice),
    code("check_redefined", SKIP, "replace check() by a function that does nothing",
         "def check(*args, **kwargs):\n    print('right')\n"),
    code("ast_transformer", SKIP, "drop asserts and calls before they run", AST,
         plain=plainly(AST)),
    code("input_transformer", SKIP, "replace every later cell's text", INPUT, plain=plainly(INPUT)),
    code("do_execute", KERNEL, "answer every request with ok, unrun", EXECUTE,
         plain=plainly(EXECUTE)),
    code("run_cell", KERNEL, "the shell reports success for everything", RUN_CELL,
         plain=plainly(RUN_CELL)),
    code("session_send", KERNEL, "forge every reply as it is sent", SESSION, outcomes=ANY,
         plain=plainly(SESSION)),
    code("message_flood", KERNEL, "forged and broken messages on the kernel's sockets", FLOOD,
         outcomes=ANY, solved=("LoRALinear",), exact=False, plain=plainly(FLOOD)),
    code("kernel_info", KERNEL, "a kernel that lies about itself", INFO, outcomes=ANY,
         plain=plainly(INFO)),
    code("asks_the_grader", KERNEL, "input() waits for the grader to type", ASKS,
         solved=("LoRALinear",)),
    code("exit_hook", KERNEL, "the kernel ends itself as the first check begins", EXITS,
         outcomes=ANY, plain=plainly(EXITS)),
    edit("stored_outputs", DISPLAY, "outputs of a full score stored in the notebook",
         stored_outputs, plain=stored_outputs),
    code("shown_points", DISPLAY, "print verdicts and display points after every cell", POINTS,
         solved=("LoRALinear",), plain=plainly(PLAIN_POINTS)),
    edit("claims", DISPLAY, "claim the score in Markdown and metadata", claims, plain=claims),
]  # fmt: skip
