"""What the notebooks' text says about their numbers, held outside the learner's path.

nbNN.py has functions such as

    @after("45015978", learning=True)
    def the_bare_loop_learns(after_bare_loop, losses):
        \"\"\"Section 5: 0.777. Five seeds gave 0.761 to 0.789 (notebook_bands.csv).\"\"\"
        assert 0.747 < after_bare_loop < 0.803

They are called in the notebook's own kernel right after the cell of that id, with its variables of
those names. `plugin.py` puts the calls between the cells that nbval runs.
"""

import importlib
import random
from collections.abc import Callable
from contextlib import contextmanager, redirect_stdout
from inspect import signature
from io import StringIO
from pathlib import Path

FOLDER = Path(__file__).parent


def after(cell: str, learning: bool = False) -> Callable:
    """Mark a function as a claim: what must hold once the cell with this id has run.

    Args:
        cell: the id of a code cell.
        learning: whether it says that something was learned. It then must fail where nothing can
            be: with shuffled labels, and with random weights (`test_controls.py`).
    """

    def mark(function: Callable) -> Callable:
        function.cell, function.learning = cell, learning
        return function

    return mark


def claims_of(notebook: str) -> list[Callable]:
    """The claims about a notebook ("04_fine_tuning_loop"), in the order of their file."""
    number = notebook[:2] if notebook[:2].isdigit() else ""
    name = f"nb{number}_solutions" if notebook.endswith("_solutions") else f"nb{number}"
    if not (FOLDER / f"{name}.py").is_file():
        return []
    module = importlib.import_module(f"tests.notebooks.claims.{name}")
    return [value for value in vars(module).values() if hasattr(value, "cell")]


def call(notebook: str, cell: str, claim: str = "") -> str:
    """The code that checks the claims after a cell, or one of them. It binds no name."""
    given = f"{notebook!r}, {cell!r}, globals(), {claim!r}"
    return f"__import__('tests.notebooks.claims', fromlist=['check']).check({given})"


def check(notebook: str, cell: str, variables: dict, claim: str = "") -> None:
    """Call the claims after a cell with the notebook's variables; leave no trace of it.

    Raises:
        AssertionError: one does not hold; the message names it, the notebook and the cell.
        NameError: one asks for a variable that the notebook does not have.
    """
    for holds in claims_of(notebook):
        if holds.cell == cell and claim in ("", holds.__name__):
            check_one(notebook, holds, variables)


def check_one(notebook: str, holds: Callable, variables: dict) -> None:
    """Call one claim."""
    where = f"{notebook}, after cell {holds.cell}, claim {holds.__name__}"
    missing = [name for name in signature(holds).parameters if name not in variables]
    if missing:
        raise NameError(f"{where}: the notebook has no {', '.join(missing)}")
    with unchanged_random_states(), redirect_stdout(StringIO()):
        try:
            holds(**{name: variables[name] for name in signature(holds).parameters})
        except AssertionError as error:
            raise AssertionError(f"{where}: {holds.__doc__ or ''}\n{error}") from error


@contextmanager
def unchanged_random_states():
    """Whatever random numbers are drawn inside, the same ones follow as without."""
    import numpy as np
    import torch

    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
