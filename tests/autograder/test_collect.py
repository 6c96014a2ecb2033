"""Whatever a platform hands out lands in submitted/, or is left out with a reason."""

from __future__ import annotations

import io
import json
import os
import stat
import struct
import zipfile
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder import cli, layout, names, release
from autograder.collect import collect
from autograder.collected import Report
from autograder.reading import LIMITS, extras

WORK = layout.solution("lora").read_text()
BLANK = nbformat.writes(release.student_version("lora"))
OTHER = nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print(1)")]))
HEADER = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
TENSORS = struct.pack("<Q", len(HEADER)) + HEADER + bytes(4)


def zipped(path: Path, files: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def foldered(path: Path, files: dict[str, str | bytes]) -> Path:
    for name, text in files.items():
        place = path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def take(path: Path, tmp_path: Path, pattern: str | None = None) -> Report:
    return collect(path, layout.Course(tmp_path / "course"), "lora", pattern)


def why(report: Report, part: str) -> str:
    return next(f"{r.what}: {r.why}" for r in report.rows if part in r.path)


def placed(tmp_path: Path) -> dict[str, str]:
    root = tmp_path / "course" / "submitted"
    return {str(p.relative_to(root)): p.read_text(errors="replace")
            for p in sorted(root.rglob("*")) if p.is_file()}  # fmt: skip


def test_canvas(tmp_path: Path) -> None:
    report = take(zipped(tmp_path / "s.zip", {
        "doejane_12345_67890_lora.ipynb": BLANK,
        "doejane_12345_67895_lora-1.ipynb": WORK,
        "smithbob_LATE_222_67891_Copy of lora (2).ipynb": WORK,
        "smithbob_333_67892_lora.ipynb": BLANK,
        "leeann_444_67893_essay.pdf": "x",
        "doejane_12345_67896_adapter_model.safetensors": TENSORS,
    }), tmp_path)  # fmt: skip
    assert report.students == ["doejane", "smithbob_222", "smithbob_333"]  # two Bob Smiths
    assert placed(tmp_path)["doejane/lora/lora.ipynb"] == WORK
    assert "doejane/lora/adapter_model.safetensors" in placed(tmp_path)
    assert why(report, "67890").startswith("left out: an earlier one")
    assert "late" in why(report, "LATE") and "PDF" in why(report, "essay")
    record = json.loads((tmp_path / "course/collected/lora.json").read_text())
    assert record["smithbob_222"]["key"] == "canvas:222"


def test_people_keep_their_names(tmp_path: Path) -> None:
    take(zipped(tmp_path / "1.zip", {"smithbob_222_1_lora.ipynb": BLANK}), tmp_path)
    both = {"smithbob_222_5_lora-1.ipynb": WORK, "smithbob_333_6_lora.ipynb": WORK}
    report = take(zipped(tmp_path / "2.zip", both), tmp_path)
    assert report.students == ["smithbob", "smithbob_333"]
    assert why(report, "222_5").startswith("replaced")
    kept = list((tmp_path / "course/collected/replaced/smithbob/lora").glob("*/lora.ipynb"))
    assert [p.read_text() for p in kept] == [BLANK]
    again = take(tmp_path / "2.zip", tmp_path)
    assert {r.what for r in again.rows} == {"unchanged"}
    older = take(tmp_path / "1.zip", tmp_path)
    assert why(older, "222_1").startswith("kept") and placed(tmp_path)[
        "smithbob/lora/lora.ipynb"] == WORK  # fmt: skip


def test_moodle_blackboard_brightspace_exchange(tmp_path: Path) -> None:
    report = take(zipped(tmp_path / "s.zip", {
        "Ann Lee_1234567_assignsubmission_file_/lora.ipynb": WORK,
        "Bob Öz_12_assignsubmission_file_/my work/lora (1).ipynb": WORK,
        "Cy Day_13_assignsubmission_file_lora.ipynb": WORK,
        "Ann Lee_1234567_assignsubmission_onlinetext_/onlinetext.html": "<p>hi</p>",
        "Lora Task_dee_attempt_2026-11-24-10-15-00_lora.ipynb": BLANK,
        "Lora Task_dee_attempt_2026-11-25-10-15-00_lora.ipynb": WORK,
        "12-34 - Eve Fox - Nov 24, 2026 1015 AM/lora.ipynb": BLANK,
        "12-34 - Eve Fox - Nov 24, 2026 1120 AM/lora.ipynb": WORK,
        "inbound/fay+lora+2026-11-24 10:15:00.5 UTC/lora.ipynb": WORK,
        "inbound/fay+lora+2026-11-23 10:15:00.5 UTC/lora.ipynb": BLANK,
        "inbound/fay+qlora+2026-11-25 10:15:00.5 UTC/qlora.ipynb": BLANK,
    }), tmp_path)  # fmt: skip
    assert report.students == ["Ann_Lee", "Bob_Öz", "Cy_Day", "Eve_Fox", "dee", "fay"]
    assert set(placed(tmp_path).values()) == {WORK}
    assert why(report, "fay+qlora").endswith("of exercise qlora")


def test_folders(tmp_path: Path) -> None:
    report = take(foldered(tmp_path / "in", {
        "ada/lora.ipynb": WORK,
        "ben/deep/er/Copy of lora.ipynb": WORK,
        "cem/homework.ipynb": WORK,
        "dan/notes.ipynb": OTHER,
        "eve/lora.ipynb": "no notebook",
        "fay.ipynb": WORK,
        "s-12.ipynb": WORK,
        "gus.ipynb.txt": WORK,
        "lora.ipynb": WORK,
        "ada/lora.py": "x",
        "ada/.ipynb_checkpoints/lora-checkpoint.ipynb": BLANK,
        "__MACOSX/ada/._lora.ipynb": b"\0",
        "ada/run/adapter_model.safetensors": TENSORS,
        "ada/run/adapter_config.json": "{}",
        "ada/lora-run.json": "{}",
        "ben/adapter_model.safetensors": b"\x80\x04pickle",
    }), tmp_path)  # fmt: skip
    assert report.students == ["ada", "ben", "cem", "eve", "fay", "gus", "s-12"]
    assert "by its content" in why(report, "homework") and "rejected" in why(report, "eve/")
    assert "not the exercise" in why(report, "notes") and "whose" in why(report, "lora.ipynb")
    assert "script" in why(report, "lora.py") and "safetensors" in why(report, "ben/adapter")
    assert why(report, "2 files") == "left out: hidden or system files"
    found = extras(tmp_path / "course/submitted/ada/lora")
    assert sorted(found) == ["adapter_config.json", "adapter_model.safetensors",
                             "runs/lora-run.json"]  # fmt: skip


@pytest.mark.parametrize("wrap", ["submitted/", "class-2026/", "class/submitted/", "a/b/"])
def test_wrapping_folders(tmp_path: Path, wrap: str) -> None:
    files = {f"{wrap}ada/lora/lora.ipynb": WORK, f"{wrap}ben/lora/lora.ipynb": WORK}
    if "submitted" in wrap:
        files[f"{wrap.partition('submitted')[0]}feedback/ada/lora/lora.html"] = "x"
        files[f"{wrap}ada/lora/timestamp.txt"] = "2026-11-24 10:15:00 UTC"
    assert take(zipped(tmp_path / "s.zip", files), tmp_path).students == ["ada", "ben"]


def test_sections_of_students(tmp_path: Path) -> None:
    where = ("1/ada/lora.ipynb", "2/ben/lora.ipynb", "2/cem/lora/lora.ipynb", "2/dan/x/lora.ipynb")
    report = take(foldered(tmp_path / "in", {f"group{p}": WORK for p in where}), tmp_path)
    assert report.students == ["ada", "ben", "cem", "dan"]


def test_one_student_with_attempts(tmp_path: Path) -> None:
    report = take(foldered(tmp_path / "in", {
        "ada/attempt1/lora.ipynb": BLANK, "ada/attempt2/lora.ipynb": WORK,
        "ada/attempt1/adapter_config.json": "{}"}), tmp_path)  # fmt: skip
    assert report.students == ["ada"] and placed(tmp_path) == {"ada/lora/lora.ipynb": WORK}
    assert "earlier submission" in why(report, "adapter_config")


def test_a_blank_download_does_not_beat_work(tmp_path: Path) -> None:
    take(foldered(tmp_path / "in", {"ada/lora.ipynb": WORK, "ada/lora (1).ipynb": BLANK}), tmp_path)
    assert placed(tmp_path)["ada/lora/lora.ipynb"] == WORK


def test_letter_case(tmp_path: Path) -> None:
    report = take(foldered(tmp_path / "in", {"Ada/lora.ipynb": WORK, "ada/lora.ipynb": BLANK}),
                  tmp_path)  # fmt: skip
    assert len({s.casefold() for s in report.students}) == 2


def test_pattern_and_single_file(tmp_path: Path) -> None:
    path = foldered(tmp_path / "in", {"x77-final/lora.ipynb": WORK, "solo.ipynb": WORK})
    report = take(path, tmp_path, r"(?P<student>x\d+)-final/")
    assert report.students == ["solo", "x77"]
    assert take(path / "solo.ipynb", tmp_path).students == ["solo"]


def test_zips_in_a_folder_but_not_in_a_zip(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("lora.ipynb", WORK)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ada.zip").write_bytes(inner.getvalue())
    zipped(tmp_path / "in" / "ben.zip", {"lora.ipynb": WORK, "more.zip": inner.getvalue()})
    report = take(tmp_path / "in", tmp_path)
    assert report.students == ["ada", "ben"] and "zip in a zip" in why(report, "more.zip")


def entry(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    return info


def test_hostile_zip(tmp_path: Path) -> None:
    path = tmp_path / "s.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("ada/lora.ipynb", WORK)
        for name in ("../../evil.ipynb", "/etc/evil.ipynb", "C:\\evil.ipynb", "x\\..\\..\\e.ipynb"):
            z.writestr(name, WORK)
        z.writestr("a/" * 30 + "lora.ipynb", WORK)
        z.writestr(entry("link/lora.ipynb", stat.S_IFLNK | 0o777), "/etc/passwd")
        z.writestr(entry("dev/lora.ipynb", stat.S_IFCHR | 0o666), "")
        z.writestr("bomb/lora.ipynb", b" " * (30 * 2**20))
        z.writestr("\u202egpj/lora.ipynb", WORK)
        z.writestr("bad/lora.ipynb", BLANK)
        z.writestr("locked/lora.ipynb", BLANK)
    blob = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as z:
        start = z.getinfo("bad/lora.ipynb").header_offset + 30 + len("bad/lora.ipynb")
    blob[start + 20 : start + 60] = os.urandom(40)
    where = blob.rindex(b"locked/lora.ipynb") - 46
    blob[where + 8] |= 1  # "encrypted"
    path.write_bytes(blob)
    before = sorted(tmp_path.rglob("*"))
    report = take(path, tmp_path)
    assert report.students[0] == "ada" and placed(tmp_path)["ada/lora/lora.ipynb"] == WORK
    assert all(s.isascii() for s in report.students)
    for part, reason in [("evil", "leaves"), ("/etc/evil", "absolute"), ("C:", "absolute"),
                         ("x\\", "leaves"), ("a/a/", "deep"), ("link/", "symbolic"),
                         ("dev/", "device"), ("bomb/", "bomb"), ("bad/", "corrupt"),
                         ("locked/", "encrypted")]:  # fmt: skip
        assert reason in why(report, part), (part, why(report, part))
    made = set(tmp_path.rglob("*")) - set(before)
    assert all(p.is_relative_to(tmp_path / "course") for p in made)


def test_a_zip_that_lies_about_its_sizes(tmp_path: Path) -> None:
    path = zipped(tmp_path / "s.zip", {"ada/lora.ipynb": " " * (LIMITS.notebook + 10)})
    blob = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = blob.index(mark) + offset
        blob[at : at + 4] = struct.pack("<I", 1000)
    path.write_bytes(blob)
    report = take(path, tmp_path)
    assert report.students == [] and why(report, "ada").startswith("left out")


@pytest.mark.parametrize("blob", [b"", b"PK\x05\x06" + bytes(18), b"PK\x03\x04garbage", b"x" * 99])
def test_broken_zips(tmp_path: Path, blob: bytes) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ada.zip").write_bytes(blob)
    zipped(tmp_path / "in" / "ben.zip", {"lora.ipynb": WORK})
    assert take(tmp_path / "in", tmp_path).students == ["ben"]


def test_hostile_folder(tmp_path: Path) -> None:
    root = foldered(tmp_path / "in", {"ada/lora.ipynb": WORK, "big/x": "y"})
    for name in ("ben", "cem"):
        (root / name).mkdir()
    (root / "ben/lora.ipynb").symlink_to(layout.solution("lora"))
    (root / "linked").symlink_to(layout.sources() / "solutions")
    os.mkfifo(root / "cem/lora.ipynb")
    with (root / "big/lora.ipynb").open("wb") as stream:
        stream.truncate(LIMITS.notebook + 1)
    report = take(root, tmp_path)
    assert report.students == ["ada"]
    assert "link" in why(report, "ben/") and "link" in why(report, "linked")
    assert "pipe" in why(report, "cem/") and "bytes" in why(report, "big/lora")


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = foldered(tmp_path / "in", {"ada/lora.ipynb": WORK, "[/b]/x\n.pdf": ""})
    course = str(tmp_path / "course")
    command = ["collect", str(path), "--exercise", "lora", "--course", course]
    assert cli.main([*command, "--json", str(tmp_path / "r.json")]) == 0
    assert "1 submissions of lora" in capsys.readouterr().out
    assert json.loads((tmp_path / "r.json").read_text())["students"] == ["ada"]
    assert cli.main(["collect", str(path / "none"), *command[2:]]) == 2


@given(st.text(max_size=400))
def test_student_ids_are_safe(who: str) -> None:
    name = names.folder_name(who)
    assert name and name == Path(name).name and len(name.encode()) <= 80
    assert not name.startswith((".", "-", "_")) and ".." not in name and name.isprintable()
    assert names.folder_name(who) == name and not set(name) & set('/\\\0:*?"<>|+ ')


@given(st.lists(st.text(max_size=30), min_size=1, max_size=4))
def test_any_path_is_read(parts: list[str]) -> None:
    owner = names.by_platform(tuple(parts))
    assert owner is None or owner.key
    names.plain_stem(parts[-1]), names.flat_stem(parts[-1]), names.moment(parts[-1])
