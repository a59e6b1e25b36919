"""The CI file for three systems. It cannot be run here: its form and its commands are held."""

import itertools
import re

import pytest
import yaml

import tasks
from tools import project

PATH = project.ROOT / ".github" / "workflows" / "tests.yml"
TEXT = PATH.read_text(encoding="utf8")
WORKFLOW = yaml.safe_load(TEXT)
(JOB,) = WORKFLOW["jobs"].values()
MATRIX = JOB["strategy"]["matrix"]
CONDITION = re.compile(r"\$\{\{ !cancelled\(\) && (!?)matrix\.whole \}\}")


def combinations() -> list[dict]:
    """All jobs of the matrix: what `include` names is added where its other values fit."""
    axes = {name: values for name, values in MATRIX.items() if name != "include"}
    made = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    for more in MATRIX["include"]:
        for one in made:
            if all(one[name] == more[name] for name in axes if name in more):
                one |= more
    return made


def commands(one: dict) -> list[str]:
    """The commands of a job, as its shell gets them."""
    found = []
    for step in JOB["steps"]:
        asks = CONDITION.fullmatch(step.get("if", ""))
        runs = asks is None or (asks[1] == "!") != one.get("whole", False)
        if "run" in step and runs:
            said = re.sub(r"\$\{\{ matrix\.(\w+) \}\}", lambda m: one.get(m[1], ""), step["run"])
            found.append(said.replace("${{ vars.TORCH_INDEX }}", "https://example.org/cpu"))
    return found


def test_three_systems_have_three_pythons_each_from_the_oldest_on():
    oldest = project.project()["project"]["requires-python"].removeprefix(">=")
    assert MATRIX["python"][0] == oldest and len(MATRIX["python"]) == 3
    systems = {name.partition("-")[0] for name in MATRIX["system"]}
    assert systems == {"ubuntu", "windows", "macos"} and len(combinations()) == 9
    assert JOB["runs-on"] == "${{ matrix.system }}" and not JOB["strategy"]["fail-fast"]


@pytest.mark.parametrize("one", combinations(), ids=lambda one: f"{one['system']}-{one['python']}")
def test_every_command_is_one_that_the_course_knows(one):
    given = commands(one)
    assert given and all(command.startswith("python tasks.py ") for command in given)
    asked = [tasks.parser().parse_args(command.split()[2:]) for command in given]
    assert [options.command for options in asked] == ["check", "test"]
    whole = one["system"].startswith("ubuntu") and one["python"] == "3.11"
    assert asked[1].fast != whole and not (asked[1].all or asked[1].record or asked[1].here)
    # Only for Linux: elsewhere the usual index has no torch with CUDA.
    indexes = {options.torch_index for options in asked}
    assert len(indexes) == 1 and bool(indexes.pop()) == one["system"].startswith("ubuntu")


def test_every_condition_is_understood_by_these_tests():
    assert all(CONDITION.fullmatch(step["if"]) for step in JOB["steps"] if "if" in step)
    assert set(re.findall(r"matrix\.(\w+)", TEXT)) == {"system", "python", "torch", "whole"}


def test_no_address_of_an_index_is_written_down():
    """It is a variable of the repository; the file says where its value is to be found."""
    assert set(re.findall(r"vars\.(\w+)", TEXT)) == {"TORCH_INDEX"}
    assert not re.search(r"https?://(?!pytorch\.org/get-started)", TEXT)


def test_it_may_read_the_course_and_nothing_else():
    assert WORKFLOW["permissions"] == {"contents": "read"} and "permissions" not in JOB
    assert "secrets" not in TEXT and "pull_request_target" not in TEXT
    checkout = next(step for step in JOB["steps"] if "checkout" in step.get("uses", ""))
    assert checkout["with"] == {"persist-credentials": False}


def test_actions_are_of_the_code_host_and_pinned_to_a_version():
    used = [step["uses"] for step in JOB["steps"] if "uses" in step]
    assert used and all(re.fullmatch(r"actions/[a-z-]+@v\d+", name) for name in used)


def test_what_is_kept_between_runs_are_downloads_only_and_once_a_week_not_even_these():
    setup = next(step["with"] for step in JOB["steps"] if "setup-python" in step.get("uses", ""))
    assert setup["cache"] == "${{ github.event_name != 'schedule' && 'pip' || '' }}"
    named = setup["cache-dependency-path"].split()
    assert all(list(project.ROOT.glob(name)) for name in named)
    assert "actions/cache" not in TEXT and WORKFLOW["on"]["schedule"]


def test_it_is_started_by_changes_and_ends_by_itself():
    assert {"push", "pull_request", "workflow_dispatch"} <= set(WORKFLOW["on"])
    assert WORKFLOW["concurrency"]["cancel-in-progress"] and 60 <= JOB["timeout-minutes"] <= 240
    # What is cancelled is an older run of the same pull request, and nothing else.
    group = WORKFLOW["concurrency"]["group"]
    assert group.endswith("${{ github.event.pull_request.number || github.run_id }}")


@pytest.mark.parametrize("name", ["README.md", "docs/verified.md"])
def test_the_pages_say_that_nobody_has_run_it(name):
    text = " ".join((project.ROOT / name).read_text(encoding="utf8").split())
    sentences = [s for s in re.split(r"(?<=[.;:]) ", text) if ".github/workflows/tests.yml" in s]
    assert re.search(r"\bnot run\b|\bnot been run by us\b", sentences[-1]), sentences
