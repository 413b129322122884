"""What the doctor says of a machine that is well, and of one that isn't."""

import importlib.metadata
import os
import subprocess
import sys
import types

import pytest
import torch
from packaging.specifiers import SpecifierSet

from nbutils import __main__, doctor
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
    assert f"torch: {torch.__version__}" in told and "100,277 tokens" in told
    assert "scikit-learn" in told  # whose module has another name
    assert str(tmp_path) not in told and os.path.expanduser("~") not in told


@pytest.mark.parametrize("version, good", [((3, 10), False), ((3, 11), True), ((3, 13), True), ((3, 14), False)])
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
    assert f"torch=={importlib.metadata.version('torch')}" in broken.advice


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
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda folder: types.SimpleNamespace(free=2**29))
    (found,) = doctor._disk()
    assert found.sign == BAD and "0.5 GiB" in found.found and "2 GiB" in found.advice


def test_without_a_browser_only_the_tests_lack_something(monkeypatch, tmp_path):
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "none"))
    (found,) = doctor._browser()
    assert found.sign == OPTIONAL and "make test" in found.advice


def test_an_examination_that_fails_hides_no_other(monkeypatch):
    def fails():
        raise RuntimeError("broken")

    fails.__name__ = "_table"
    monkeypatch.setattr(doctor, "_table", fails)
    findings = doctor.examine()
    assert of(findings, "table").sign == BAD and "RuntimeError: broken" in of(findings, "table").found
    assert of(findings, "Python")
    assert doctor.report(findings).endswith("1 to mend")


def test_it_speaks_where_the_rest_of_the_package_can_t(tmp_path):
    """tyro, which reads the other commands' options, is not there."""
    (tmp_path / "tyro.py").write_text("raise ImportError('no tyro')")
    done = subprocess.run(
        [sys.executable, "-m", "nbutils", "doctor"], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 1 and "tyro" in done.stdout and "no tyro" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_the_command(capsys, monkeypatch):
    monkeypatch.setattr(doctor, "examine", lambda: [doctor.Finding("Python", "3.12")])
    assert __main__.main(["doctor"]) == 0
    assert capsys.readouterr().out == "✓ Python: 3.12\nAll is well\n"
    assert __main__.main(["doctor", "--help"]) == 0 and __main__.main(["doctor", "me"]) == 2
