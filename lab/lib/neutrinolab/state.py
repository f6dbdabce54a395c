"""What the lab has made, on disk.

Everything is written down before it is made, so that 'down' cleans up after an
'up' that was killed at any point.  The folder's lock is held by 'up' and 'down'
and by the short commands they start: who has it knows that none of those runs.
"""

import fcntl
import json
import os
import shutil

from . import kernel

BASE = os.environ.get("LAB_STATE_DIR") or "/run/neutrino-lab"


class State:
    def __init__(self, prefix):
        self.prefix = prefix
        self.dir = os.path.join(BASE, prefix.rstrip("-") or "default")
        self._lock_fd = None

    def exists(self):
        return os.path.isdir(self.dir)

    def lock(self, limit=60):
        """Makes the folder and takes it for this process."""

        def take():
            os.makedirs(self.dir, mode=0o755, exist_ok=True)
            fd = os.open(self.dir, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Another 'down' may have removed the folder in between.
                if os.fstat(fd).st_ino == os.stat(self.dir).st_ino:
                    return fd
            except (BlockingIOError, FileNotFoundError):
                pass
            os.close(fd)
            return None

        if self._lock_fd is None:
            self._lock_fd = kernel.wait_for(take, limit, f"another up or down works in {self.dir}")

    def lock_fds(self):
        return () if self._lock_fd is None else (self._lock_fd,)

    def unlock(self):
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None

    def path(self, name):
        return os.path.join(self.dir, name)

    def read(self, name, default=None):
        try:
            with open(self.path(name), encoding="utf-8") as file:
                return json.load(file)
        except FileNotFoundError:
            return default

    def write(self, name, value):
        temporary = self.path(f".{name}.new")
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(value, file, indent=1)
            file.write("\n")
        os.replace(temporary, self.path(name))

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)
        try:
            os.rmdir(BASE)
        except OSError:
            pass  # Another lab is up.
