"""Which tests have the marker `fault`, read from their source: nothing is run or imported."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TESTS = Path(__file__).parents[1]

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

WHERE = ("real engines", "real sshd", "recorded fleet", "no host")
"""What a test is held on, the realest first."""

_SIGNS = (
    (re.compile(r"\b[Ss]shd\b"), "real sshd"),
    (re.compile(r"\bdemo_fleet\b|\bserved\(|\bspace: Workspace\b"), "recorded fleet"),
)
"""What stands in a test, or in the fixtures that it takes, where it is held on that."""


@dataclass(frozen=True)
class Mark:
    """A test, or a class of tests, that holds a fault's promise."""

    fault: str
    test: str
    """As pytest names it: `tests/…/test_x.py::test_y`."""
    where: str


@dataclass
class _Module:
    """A file of tests: its text, its fixtures and helpers by name, and those of its conftest."""

    lines: list[str]
    tree: ast.Module
    known: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, path: Path) -> _Module:
        text = path.read_text("utf-8")
        found = cls(text.splitlines(), ast.parse(text))
        conftest = path.with_name("conftest.py")
        if conftest.exists() and conftest != path:
            found.known.update(cls.of(conftest).known)
        for node in found.tree.body:
            if isinstance(node, _Definition):
                found.known[node.name] = found.source(node)
        return found

    def source(self, node: _Definition) -> str:
        return "\n".join(self.lines[node.lineno - 1 : node.end_lineno])

    def where(self, node: _Definition) -> str:
        """What a test is held on, told by its text and that of all that it names."""
        seen: set[str] = set()
        left = [self.source(node)]
        while left:
            text = left.pop()
            for sign, where in _SIGNS:
                if sign.search(text):
                    return where
            named = set(re.findall(r"\w+", text)) & self.known.keys() - seen
            seen |= named
            left += [self.known[name] for name in sorted(named)]
        return WHERE[-1]


@functools.cache
def marks(root: Path = TESTS) -> tuple[Mark, ...]:
    """All of them, by file and line."""
    return tuple(mark for path in sorted(root.rglob("test_*.py")) for mark in _of_file(path, root))


def _of_file(path: Path, root: Path) -> Iterator[Mark]:
    if "mark.fault" not in path.read_text("utf-8"):
        return
    module = _Module.of(path)
    name = str(path.relative_to(root.parent))
    whole = [
        mark
        for node in module.tree.body
        if isinstance(node, ast.Assign)
        and any(
            isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets
        )
        for mark in (node.value.elts if isinstance(node.value, ast.List) else [node.value])
    ]
    lab = any("mark.lab" in ast.unparse(mark) for mark in whole)
    yield from _of_body(module, module.tree.body, name, lab, whole)


def _of_body(
    module: _Module, body: list[ast.stmt], name: str, lab: bool, whole: Sequence[ast.expr] = ()
) -> Iterator[Mark]:
    """The marks of tests and classes; `whole` are those that the file gives to all of its tests."""
    for node in body:
        if not isinstance(node, _Definition):
            continue
        marked = [ast.unparse(decorator) for decorator in node.decorator_list]
        on_engines = lab or any(text.startswith("pytest.mark.lab") for text in marked)
        test = f"{name}::{node.name}"
        is_test = node.name.startswith(("test", "Test"))
        for decorator in (*(whole if is_test else ()), *node.decorator_list):
            if ast.unparse(decorator).startswith("pytest.mark.fault("):
                assert isinstance(decorator, ast.Call)
                for fault in decorator.args:
                    where = WHERE[0] if on_engines else module.where(node)
                    yield Mark(str(ast.literal_eval(fault)), test, where)
        if isinstance(node, ast.ClassDef):
            yield from _of_body(module, node.body, test, on_engines)
