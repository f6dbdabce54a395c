"""A server of a lab, and what somebody wishes of its power."""

from check import equal
from lab import wait_for

UP = "system completely up"
DOWN = "going down NOW"
STOP, START = {"os-stop": None}, {"os-start": None}
SOFT, HARD = {"reboot": {"type": "SOFT"}}, {"reboot": {"type": "HARD"}}


class Server:
    """By its name; the id stays that of now."""

    def __init__(self, lab, name):
        self.lab = lab
        self.name = name
        self.id = lab.api.server(name)["id"]

    def view(self):
        return self.lab.api.ask("GET", f"/servers/{self.id}")["server"]

    def send(self, body):
        return self.lab.api.send("POST", f"/servers/{self.id}/action", body)

    def act(self, body):
        answer = self.send(body)
        equal(answer.status, 202, f"{body}: {answer.text()}")

    def is_(self, status):
        view = self.view()
        return view["status"] == status and not view["OS-EXT-STS:task_state"]

    def wait(self, status, limit=30):
        wait_for(lambda: self.is_(status), limit,
                 lambda: f"{self.name} is not {status} but {self.states()}")

    def states(self):
        view = self.view()
        return tuple([view["status"]] + [view[f"OS-EXT-STS:{name}_state"]
                                         for name in ("vm", "task", "power")])

    def console(self):
        return self.lab.api.console(self.name)

    def wait_up(self, count, limit=30):
        wait_for(lambda: self.console().count(UP) >= count, limit,
                 lambda: f"not up {count} times: {self.console()}")
