"""MariaDB with the stock server's schema.

Making the schema takes half a minute, starting on a copy of a finished one a second: the
finished data folder is kept in ~/.cache/neutrino/neutron-db-KEY (or below
$NEUTRINO_CACHE), where KEY stands for the package versions and for this file.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import socket

from neutrinolab import kernel
from neutrinolab.kernel import Failed

from .daemon import Daemon

DATA = "/run/mariadb/data"
SOCKET = "/run/mariadb/sock"
DATABASE = "neutron"
URL = f"mysql+pymysql://root@127.0.0.1/{DATABASE}?charset=utf8"
PACKAGES = ["mariadb-server-core", "python3-neutron"]
OPTIONS = ["--no-defaults", "--user=root", f"--datadir={DATA}", f"--socket={SOCKET}",
           "--pid-file=/run/mariadb/pid", "--bind-address=127.0.0.1", "--port=3306",
           "--skip-name-resolve", "--innodb-log-file-size=16M",
           "--innodb-buffer-pool-size=64M", "--performance-schema=OFF",
           # A test bed's data need not survive a power cut.
           "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0",
           "--innodb-flush-method=fsync", "--max-connections=500"]


def cache_dir():
    return os.environ.get("NEUTRINO_CACHE") or os.path.expanduser("~/.cache/neutrino")


def cache_key():
    versions = kernel.run(["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *PACKAGES]).stdout
    with open(__file__, "rb") as file:
        return hashlib.sha256(versions.encode() + file.read()).hexdigest()[:16]


@contextlib.contextmanager
def locked(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Mariadb(Daemon):
    def __init__(self, host, log):
        super().__init__(host, "mariadb", ["/usr/sbin/mariadbd", *OPTIONS], log)

    def prepare(self, progress):
        """Puts the data folder into the host, making the one in the cache first when absent."""
        image = os.path.join(cache_dir(), f"neutron-db-{cache_key()}")
        os.makedirs(self.host.file("/run/mariadb"), exist_ok=True)
        with locked(image + ".lock"):
            if not os.path.isdir(image):
                progress("making the database image, once")
                self.make_image(image)
        shutil.copytree(image, self.host.file(DATA), dirs_exist_ok=True)

    def make_image(self, image):
        self.host.run(["mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={DATA}",
                       "--auth-root-authentication-method=normal", "--skip-test-db",
                       "--skip-name-resolve"], timeout=300)
        self.start()
        try:
            self.wait_ready(300)
            with self.connect(None) as connection, connection.cursor() as cursor:
                cursor.execute(f"CREATE DATABASE {DATABASE} CHARACTER SET utf8")
            self.host.run(["neutron-db-manage", "--config-file", "/etc/neutron/neutron.conf",
                           "--config-file", "/etc/neutron/plugins/ml2/ml2_conf.ini",
                           "upgrade", "heads"], timeout=900)
        finally:
            self.stop(300)
        made = f"{image}.{os.getpid()}"
        shutil.rmtree(made, ignore_errors=True)
        shutil.copytree(self.host.file(DATA), made)
        os.rename(made, image)

    def wait_ready(self, limit=120):
        self.wait(self.answers, limit, "does not accept connections")

    def answers(self):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(5)
            try:
                sock.connect(self.host.file(SOCKET))
                return bool(sock.recv(1))
            except OSError:
                return False

    def connect(self, database=DATABASE):
        """A connection of Debian's python3-pymysql, for observation and for cloning rows."""
        import pymysql
        try:
            return pymysql.connect(unix_socket=self.host.file(SOCKET), user="root",
                                   database=database, autocommit=True)
        except pymysql.err.OperationalError as error:
            raise Failed(f"mariadb: {error}") from error

    def query(self, text, *arguments):
        """All rows of one statement, as dicts."""
        import pymysql.cursors
        with self.connect() as connection, \
                connection.cursor(pymysql.cursors.DictCursor) as cursor:
            cursor.execute(text, arguments)
            return list(cursor.fetchall())
