"""The table of what was verified: from its file, and from what tests have printed."""

import pytest

from tools import project, verified


def group(name: str, passed: int = 3, failed: int = 0, skipped: int = 0) -> dict:
    return {"name": name, "passed": passed, "failed": failed, "skipped": skipped}


def test_the_readme_shows_what_the_file_holds():
    text = verified.PAGE.read_text(encoding="utf8")
    assert verified.with_table(text, verified.read()) == text


def test_lowest_versions_and_colab_are_in_the_file():
    packages = {row["packages"] for row in verified.read()}
    assert packages == {
        "requirements/constraints.txt",
        "requirements/lowest.txt",
        "requirements/colab.txt",
    }
    assert all((project.ROOT / name).is_file() for name in packages)


def test_each_room_has_a_row_of_its_own_and_what_was_skipped_has_none():
    groups = [group("unit tests"), group("controls", 2, 1), group("simulated Colab")]
    groups += [group("lowest versions"), group("Python 3.12"), group("Python 3.13", 0, 0, 3)]
    rows = verified.from_table(groups, every=True)
    assert [(row["packages"], row["result"]) for row in rows] == [
        ("requirements/constraints.txt", "5 passed, 1 failed"),
        ("requirements/colab.txt", "3 passed"),
        ("requirements/lowest.txt", "3 passed"),
        ("requirements/colab.txt", "3 passed"),
    ]
    assert rows[3]["python"] == "3.12" and "every notebook alone" in rows[3]["ran"]
    assert rows[3]["versions"].startswith(f"torch {verified.COLABS_TORCH}, ")


def test_a_room_that_was_skipped_in_part_does_not_claim_the_whole():
    (row,) = verified.from_table([group("simulated Colab", 1, 0, 3)], every=True)
    assert "skipped" in row["ran"] and row["result"] == "1 passed, 3 skipped"
    for groups, every in (
        ([group("Python 3.13", 2, 0, 12)], True),
        ([group("Python 3.13")], False),
    ):
        (row,) = verified.from_table(groups, every)
        assert "every notebook" not in row["ran"] and "resolved only" in row["ran"]


def test_a_new_run_takes_the_place_of_the_same_one_only():
    first = verified.from_table([group("unit tests"), group("lowest versions")], every=False)
    again = verified.from_table([group("unit tests", 4)], every=False)
    assert verified.merged(first, again) == [*again, first[1]]


def test_recording_writes_both_files_and_nothing_outside_the_marks(tmp_path, monkeypatch):
    monkeypatch.setattr(verified, "FILE", tmp_path / "verified.csv")
    monkeypatch.setattr(verified, "PAGE", tmp_path / "verified.md")
    around = f"before\n{verified.MARKS[0]}old\n{verified.MARKS[1]}\nafter\n"
    verified.PAGE.write_text(around, encoding="utf8")
    verified.record(verified.from_table([group("unit tests")], every=True))
    text = verified.PAGE.read_text(encoding="utf8")
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "old" not in text
    assert "| 3 passed |" in text and "requirements/constraints.txt" in text
    assert len(verified.read()) == 1


@pytest.mark.parametrize("packages", ["requirements/constraints.txt", "requirements/colab.txt"])
def test_versions_are_those_of_the_file(packages):
    torch = next(
        line for line in (project.ROOT / packages).read_text().split() if "torch==" in line
    )
    assert verified.versions(packages).startswith(torch.replace("==", " "))
