"""The stub of the extension says what the extension is."""

import subprocess
import sys


def test_the_stub_agrees_with_the_extension(tmp_path):
    command = [sys.executable, "-m", "mypy.stubtest", "kafkalite._native"]
    # Elsewhere than in the repository: what is judged is what is installed.
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
