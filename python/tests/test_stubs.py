"""The stub of the extension says what the extension is, and ``help()`` says it too."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import kafkalite
from kafkalite import _native

CLASSES = [each for name in kafkalite.__all__ if inspect.isclass(each := getattr(kafkalite, name))]
STUB = ast.parse(Path(kafkalite.__file__).with_name("_native.pyi").read_text(encoding="utf-8"))


def test_the_stub_agrees_with_the_extension(tmp_path):
    command = [sys.executable, "-m", "mypy.stubtest", "kafkalite._native"]
    # Elsewhere than in the repository: what is judged is what is installed.
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("each", CLASSES, ids=lambda each: each.__name__)
def test_help_says_something_of_everything(each):
    found = [value for name, value in vars(each).items() if not name.startswith("_")]
    assert not [
        value for value in found if callable(value) or inspect.isdatadescriptor(value) if not inspect.getdoc(value)
    ]
    assert inspect.getdoc(each)


@pytest.mark.parametrize("each", [each for each in CLASSES if getattr(_native, each.__name__, None) is each])
def test_help_and_the_stub_say_the_same(each):
    (stub,) = (one for one in STUB.body if isinstance(one, ast.ClassDef) and one.name == each.__name__)
    assert inspect.getdoc(each) == ast.get_docstring(stub)
    methods = [one for one in stub.body if isinstance(one, ast.FunctionDef) and not one.name.startswith("_")]
    assert methods
    for method in methods:
        assert inspect.getdoc(getattr(each, method.name)) == ast.get_docstring(method), method.name
