"""The processes that encode: as many as there are cores, light, and gone with the run."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nbutils.packing.workers import available_cores


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_workers_do_not_outlive_a_killed_run(tmp_path):
    code = f"""
import multiprocessing, time
from nbutils import packing, tokens
def documents():
    while True:
        for child in multiprocessing.active_children():
            print(child.pid, flush=True)
        yield "a document " * 30_000
        time.sleep(0.05)
if __name__ == "__main__":
    encoding = tokens.train_bpe("a document", 260)
    packing.pack(documents(), encoding, {str(tmp_path / "corpus")!r}, workers=2)
"""
    script = tmp_path / "script.py"
    script.write_text(code, "utf-8")
    run = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, encoding="utf-8")
    workers = set()
    while len(workers) < 2:
        workers.add(int(run.stdout.readline()))
    time.sleep(1)
    run.kill()
    end = time.monotonic() + 900  # on the busiest machine
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < end, "a worker still waits"
        time.sleep(0.05)
    run.communicate()


def test_workers_need_no_pytorch():
    code = "import sys, nbutils.packing; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8")
    assert done.stdout == "False\n"


def test_every_core_that_the_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {1, 5, 7}, raising=False)
    assert available_cores() == 3
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(200)))
    assert available_cores() == 61
    monkeypatch.delattr(os, "sched_getaffinity")
    assert available_cores() == min(os.cpu_count(), 61)
