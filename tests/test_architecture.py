"""Which module may import which: data goes one way, and nothing below knows anything above."""

import ast
import re
import sys
from pathlib import Path

import pytest

import ssekit

PACKAGE = Path(ssekit.__file__).parent

# The map has the layers, a line each: modules, and after two spaces what they are.
MAP = (Path(__file__).parent.parent / "ssekit/README.md").read_text()
[LIST] = re.findall(r"^```layers\n(.*?)^```$", MAP, re.MULTILINE | re.DOTALL)
LAYERS = [line.partition("  ")[0].split() for line in LIST.splitlines()]
LEVELS = {name: level for level, names in enumerate(LAYERS) for name in sorted(names)}

# The engine reads what it is given. It does not open, wait, or look at a clock.
# (What tests are made of is no part of it, and needs Hypothesis.)
ENGINE = [
    name
    for name in LEVELS
    if LEVELS[name] <= LEVELS["auto"] and name.partition(".")[0] != "testing"
]
FORBIDDEN = {
    *("asyncio", "trio", "anyio", "selectors", "threading", "concurrent", "signal"),
    *("socket", "ssl", "http", "urllib", "httpx", "requests", "aiohttp", "urllib3"),
    *("io", "os", "pathlib", "subprocess", "tempfile", "logging"),
    *("time", "datetime", "sched", "random"),
}


def path(module: str) -> Path:
    place = PACKAGE.joinpath(*module.split("."))
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def imports(module: str) -> set[str]:
    """Return what a module imports when it runs: not what annotations alone need."""
    found: set[str] = set()
    nodes: list[ast.AST] = [ast.parse(path(module).read_text())]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            # Of a package, what is imported may be a module in it.
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            modules = {name for name in names if name.removeprefix("ssekit.") in LEVELS}
            found |= names if node.module == "ssekit" else modules or {node.module or ""}
        nodes += ast.iter_child_nodes(node)
    return found


def test_every_module_has_its_line():
    found = [file.relative_to(PACKAGE).with_suffix("") for file in PACKAGE.rglob("*.py")]
    modules = {".".join(place.parts).removesuffix(".__init__") for place in found}
    assert modules - {"__init__"} == set(LEVELS)


@pytest.mark.parametrize("module", LEVELS)
def test_a_module_imports_only_from_lines_above_its_own(module: str):
    for name in imports(module):
        if name.startswith("ssekit."):
            imported = name.removeprefix("ssekit.")
            # What `ssekit` itself exports is the engine, which formats and the command stand on.
            level = LEVELS.get(imported, LEVELS["_format"])
            assert level < LEVELS[module], f"{module} imports {imported}"
            package, _, part = imported.rpartition(".")
            owner = module.partition(".")[0]
            assert package in ("", owner) or owner == "__main__", f"{part} is of {package}"


@pytest.mark.parametrize("module", ENGINE)
def test_the_engine_imports_no_input_or_output_no_clock_and_no_loop(module: str):
    roots = {name.partition(".")[0] for name in imports(module)}
    assert not roots & FORBIDDEN
    assert roots <= {"ssekit", "msgspec", *sys.stdlib_module_names}


def test_the_engine_is_imported_without_any_format():
    text = (PACKAGE / "__init__.py").read_text()
    imported = {name.removeprefix("ssekit.") for name in imports("__init__")}
    assert all(LEVELS[name] < LEVELS["chat"] for name in imported)
    assert re.search(r"^from ssekit\._", text, re.MULTILINE)
