"""One process at a time, also after a kill and where the disk knows no locks."""

import errno
import os
import subprocess
import sys

import pytest
from conftest import ROOT

from celestial.common.locks import only_one


def test_one_at_a_time_even_after_a_kill(tmp_path):
    """The first one has forked a process, which lives on and must not hold the lock."""
    code = ("import os, sys; from pathlib import Path\n"
            "from celestial.common.locks import only_one\n"
            "print('asks', flush=True)\n"
            "with only_one(Path('lock'), 'waiting'):\n"
            "    print('has', flush=True)\n"
            "    if sys.argv[1] == 'forks' and os.fork() == 0:\n"
            "        os.close(1)\n"
            "    sys.stdin.readline()\n")

    def start(kind):
        process = subprocess.Popen([sys.executable, "-c", code, kind], cwd=tmp_path, text=True,
                                   env={**os.environ, "PYTHONPATH": str(ROOT)},
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdout.readline() == "asks\n"
        return process

    first = start("forks")
    assert first.stdout.readline() == "has\n"
    second = start("does not")
    assert second.stdout.readline() == "waiting\n"
    second.stdin.write("go on\n")
    second.stdin.flush()
    with pytest.raises(subprocess.TimeoutExpired):  # without the lock it would have ended
        second.wait(0.5)
    first.kill()
    assert second.communicate(timeout=60)[0] == "has\n", "the system freed the killed one's lock"
    first.communicate()  # the end of its input ends what it forked


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS])
def test_where_the_disk_knows_no_locks_nobody_waits(number, tmp_path, monkeypatch, capsys):
    """Nor for the file of a process that was killed in there."""
    def no_locks(file, how):
        raise OSError(number, os.strerror(number))

    def wait(seconds):
        raise AssertionError("it waits")

    lock = tmp_path / "lock"
    lock.write_text(f"{os.getppid()}\n")
    monkeypatch.setattr("fcntl.flock", no_locks)
    monkeypatch.setattr("time.sleep", wait)
    with only_one(lock, "waiting"):
        assert capsys.readouterr().out == ""
