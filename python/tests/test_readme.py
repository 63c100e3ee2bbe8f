"""The README's programs run as they stand, one after another, as a reader would paste them."""

import re
from pathlib import Path

from kafkalite import Message

README = Path(__file__).parents[2] / "README.md"


def test_the_programs_run_in_their_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    programs = re.findall(r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert len(programs) >= 5
    printed = []

    def show(*values):
        printed.append(values)
        if values == (b"test message str",):
            names["consumer"].close()  # as the comment there says, this ends the endless loop

    names = {"print": show}
    for program in programs:
        exec(program, names)  # noqa: S102 - it is what a reader does with it
    names["broker"].close()
    assert printed[0] == (b"test message str",)
    (compacted,) = (values for values in printed if isinstance(values[0], Message))
    assert [(message.key, message.value) for message in compacted] == [(b"ada", b"now"), (b"bob", b"0")]
    read = {(values[2], values[3]) for values in printed if len(values) == 4}
    assert read
    assert read <= {(b"ada", "/"), (b"ada", "/buy"), (b"bob", "/"), (b"bob", "/cart")}
