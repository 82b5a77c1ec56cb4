"""The examples of the pages, and the rows of their tables, as type checkers see them."""

import ast
import inspect
import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

import ssekit
from tests.readme import EXAMPLES, ROOT, TYPES, code_of, programs, table

PACKAGES = Path(ssekit.__file__).parent.parent

# The names in the rows of tables, by the table, with their types.
ANY = "typing.Any"
ROW_NAMES = {
    "client | response": {"url": "str", "reader": "asyncio.StreamReader", "data": "bytes"}
    | dict.fromkeys(("body", "request"), f"dict[str, {ANY}]")
    | {"headers": "dict[str, str]"},
    "you have | you write": dict.fromkeys(("response", "async_response"), "httpx2.Response")
    | {"reads": "list[bytes]", "file": "typing.BinaryIO", "name": "str"},
    "SDK | ssekit": {
        "response": "httpx2.Response",
        "attempt": "int",
        "stream": "ssekit.Stream[chat.ChatCompletionChunk, chat.ChatCompletion]",
        "chunk": "chat.ChatCompletionChunk",
        "deltas": "list[ssekit.Delta]",
    },
}
IMPORTS = """\
import asyncio, itertools, pathlib, typing, urllib.request
import aiohttp, anthropic, httpx, httpx2, openai, requests, urllib3
import msgspec, ssekit
from ssekit import aiter_events, auto, chat, gemini, interactions, iter_events, messages, responses
"""
RESULTS = {
    "chat": "chat.ChatCompletion",
    "responses": "responses.Response",
    "messages": "messages.Message",
    "gemini": "gemini.GenerateContentResponse",
    "interactions": "interactions.Interaction",
}


def function(name: str, code: str, given: dict[str, str]) -> str:
    """Return a function that has the code, and what it is given as parameters."""
    flags = compile(code, "<example>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT).co_flags
    kind = "async def" if flags & inspect.CO_COROUTINE else "def"
    parameters = ", ".join(f"{each}: {type_}" for each, type_ in given.items())
    return f"{kind} {name}({parameters}) -> None:\n{textwrap.indent(code, '    ')}\n\n"


def functions() -> Iterator[str]:
    """Yield a function for each example, and for each row of a table."""
    for example in EXAMPLES:
        name = f"{re.sub('[^a-z]', '_', example.page.lower())}_{example.line}"
        given = {each: TYPES.get(each, "list[bytes]") for each in example.given}
        yield function(name, example.code, given)
    for number, (client, _, code) in enumerate(programs()):
        if client == "niquests":  # the words of requests
            continue
        given = dict(ROW_NAMES["client | response"])
        if client.endswith(("OpenAI", "Anthropic")):
            given["client"] = f"{client.removeprefix('Async').lower()}.{client}"
        yield function(f"client_{number}", code, given)
    for table_number, heading in enumerate(("you have | you write", "SDK | ssekit")):
        for number, (_, cell) in enumerate(table(heading)):
            for place, code in enumerate(code_of(cell)):
                if heading.startswith("SDK") or "." in code or "iter" in code:
                    before = "try: chat.collect(response)\n" if code.startswith("except") else ""
                    name = f"table_{table_number}_row_{number}_{place}"
                    yield function(name, before + code, ROW_NAMES[heading])
    for form, answer, output in table("format | the answer goes back as | the output of a call"):
        given = {"conversation": f"list[{ANY}]", "call": "ssekit.ToolCall", "output": "str"}
        given["result"] = RESULTS[form.strip("`")]
        code = f"{code_of(answer)[0]}\nconversation.append({code_of(output)[0]})"
        yield function(f"agent_{form.strip('`')}", code, given)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    text = f"{IMPORTS}\n\n{''.join(functions())}"
    (tmp_path / "pages.py").write_text(text, encoding="utf-8")
    return tmp_path


def check(checker: str, *options: str, folder: Path) -> None:
    for module in (checker, "openai", "anthropic"):
        pytest.importorskip(module, reason=f"{module} is in the dependency groups lint and corpus")
    made = subprocess.run(
        [sys.executable, "-m", checker, *options],
        cwd=folder,
        env=os.environ | {"MYPYPATH": str(PACKAGES)},
        capture_output=True,
    )
    assert made.returncode == 0, made.stdout.decode() + made.stderr.decode()


@pytest.mark.thorough  # pyright finds what it finds, in half the time
def test_mypy_accepts_the_pages(folder: Path):
    options = ["--config-file", str(ROOT / "pyproject.toml")]
    options += ["--cache-dir", str(ROOT / ".mypy_cache")]
    options += ["--disable-error-code=import-untyped"]  # requests and others have no types
    check("mypy", *options, "pages.py", folder=folder)


def test_pyright_accepts_the_pages(folder: Path):
    ignored = ("MissingImports", "MissingModuleSource", "UnusedImport", "UnusedVariable")
    ignored += ("UnusedExpression", "UnusedFunction", "UnusedClass")
    settings = {f"report{name}": False for name in ignored}
    settings |= {"typeCheckingMode": "strict", "extraPaths": [str(PACKAGES)]}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    check("pyright", "--pythonpath", sys.executable, folder=folder)
