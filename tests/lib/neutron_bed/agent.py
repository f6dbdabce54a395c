"""An agent of ours on a host of the bed: a daemon whose end is looked at."""

import sanitized

from .daemon import Daemon


class OurAgent(Daemon):
    """SIGTERM ends it with status 0, nothing else but the test's kill ends it, and a sanitizer
    has nothing to say; what is otherwise fails the check under way."""

    def judge(self):
        if self.process is not None and not self.lives():
            sanitized.expect_clean(f"{self.name} on {self.host.name}", self.log,
                                   self.process.returncode)

    def start(self):
        self.judge()
        return super().start()

    def kill(self):
        self.judge()
        super().kill()
        self.judge()

    def stop(self, limit=60):
        super().stop(limit)
        self.judge()
