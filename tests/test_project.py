"""The project as those who install it find it."""

import importlib
import re
import tomllib
from pathlib import Path

import pytest

import ssekit
from ssekit import auto, testing

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_one_runtime_dependency():
    assert [re.split("[<>=]", name)[0] for name in PROJECT["project"]["dependencies"]] == [
        "msgspec"
    ]


def test_the_package_is_typed():
    assert (Path(ssekit.__file__).parent / "py.typed").exists()


@pytest.mark.parametrize(
    "module",
    ["ssekit", "ssekit.archive", "ssekit.auto", *(f"ssekit.{name}" for name in auto.FORMATS)]
    + [f"ssekit.{path.stem}" for path in Path(ssekit.__file__).parent.glob("_[!_]*.py")],
)  # fmt: skip
def test_what_a_module_exports_is_there(module: str):
    names = importlib.import_module(module).__all__
    assert sorted(set(names)) == sorted(names)
    assert all(hasattr(importlib.import_module(module), name) for name in names)


def test_the_strategies_are_listed_before_they_are_imported():
    assert {*dir(testing)} >= {*testing.__all__}
    assert all(name in (testing.__doc__ or "") for name in testing.__all__ if "streams" in name)


def test_the_engine_exports_what_is_public():
    """Each public name stands in `ssekit` by itself, and is documented where it is a class."""
    for name in ssekit.__all__:
        item = getattr(ssekit, name)
        assert not isinstance(item, type) or (
            item.__doc__ and item.__module__.startswith("ssekit.")
        )


@pytest.mark.skipif(
    not (ROOT / "CHANGELOG.md").exists(), reason="the changelog is not beside the tests"
)
def test_the_changelog_has_this_version():
    versions = re.findall(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert versions[0] == "Unreleased"
    assert versions[1] == ssekit.__version__
