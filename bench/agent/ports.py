"""Start, single ports, many ports at once, and what an agent costs that has nothing to do."""

import time

import check
from stamps import Active, Rows, cpu, memory, wakeups
from subject import LIMIT, ms, tap

IDLE_S = 20
CALM_S, CALM_SHARE = 5, 0.2  # Of a processor.
PROGRAM_RUNS = 3


def version(subject):
    """The program's own start, without anything it would talk to."""
    program = subject.agent.argv[0]
    times = []
    for _ in range(PROGRAM_RUNS):
        began = time.monotonic()
        subject.host.run([program, "--version"])
        times.append(time.monotonic() - began)
    subject.note("`--version` (median)", sorted(times)[PROGRAM_RUNS // 2])


def start(subject):
    """From the start of the process, with a port that waits for it."""
    bed, host = subject.bed, subject.host
    # A port is bound only to a host whose agent the server knows.
    subject.start_agent()
    host.wait_agent()
    version(subject)
    port = bed.api.port(subject.net, host)
    subject.agent.stop()
    host.plug_idle([port])
    rows, active = Rows(host), Active(bed, [port])
    began = time.monotonic()
    subject.start_agent()
    check.wait_for(lambda: active.is_done() and tap(port) in rows.tagged, LIMIT,
                   "the port that waits does not become ACTIVE")
    active.stop()
    rows.stop()
    subject.note("start until a port that waits has its flows and tag",
                 rows.tagged[tap(port)] - began)
    subject.note("start until that port is ACTIVE", active.when[port["id"]] - began)
    subject.ports.append(port)


def singles(subject):
    """One port after the other, with those beside them that are there already."""
    there = len(subject.ports)
    made = subject.bed.clone_ports(subject.ports[0], subject.options.singles)
    own, numbered, whole = [], [], []
    used = cpu(subject.agent)
    for port in made:
        rows, active = subject.plug([port])
        own.append(rows.tagged[tap(port)] - rows.plugged[tap(port)])
        numbered.append(rows.tagged[tap(port)] - rows.numbered[tap(port)])
        if active.is_done():
            whole.append(active.when[port["id"]] - rows.plugged[tap(port)])
    used = cpu(subject.agent) - used
    what = f"one port, {there} there:"
    subject.note_spread(f"{what} row in OVSDB until its flows and tag are set (p50, worst)", own)
    subject.note_spread(f"{what} number in OVSDB until then (p50, worst)", numbered)
    subject.note_spread(f"{what} row in OVSDB until ACTIVE (p50, worst)", whole or [LIMIT])
    subject.note(f"{what} processor time of the agent", used / len(made))


def several(subject, count):
    singles(subject)
    many(subject, count)


def many(subject, count):
    made = subject.bed.clone_ports(subject.ports[0], count)
    used = cpu(subject.agent)
    rows, active = subject.plug(made, subject.options.patience)
    used = cpu(subject.agent) - used
    first = min(rows.plugged[tap(port)] for port in made)
    numbered = max(rows.numbered[tap(port)] for port in made)
    done = max(rows.tagged[tap(port)] for port in made)
    what = f"{count} ports at once:"
    subject.note(f"{what} until all have flows and tags", done - first)
    subject.note(f"{what} of that until the switch had made the last", numbered - first)
    n_active = len(active.when)
    if active.is_done():
        subject.note(f"{what} until all are ACTIVE", max(active.when.values()) - first)
    else:
        subject.note(f"{what} until all are ACTIVE", None, ms,
                     f"{n_active} within {subject.options.patience} s")
    subject.note(f"{what} processor time of the agent, each", used / count)
    # What the server still has to do must not be counted with what comes next.
    with_rest = Active(subject.bed, made)
    with_rest.settle(LIMIT)
    with_rest.stop()


def wait_calm(subject):
    """What the last ports have left it to do is done; an agent that is never calm is as it is."""
    end = time.monotonic() + LIMIT
    busy = True
    while busy and time.monotonic() < end:
        used = cpu(subject.agent)
        time.sleep(CALM_S)
        busy = cpu(subject.agent) - used > CALM_S * CALM_SHARE


def rest(subject):
    """Memory, and a while in which nothing happens."""
    wait_calm(subject)
    what = f"{len(subject.ports)} ports:"
    rss, pss = memory(subject.agent)
    subject.note(f"{what} memory (PSS)", pss, "{:.1f} MB".format)
    subject.note(f"{what} memory (RSS)", rss, "{:.1f} MB".format)
    used, woken = cpu(subject.agent), wakeups(subject.agent)
    seconds = 5 if subject.options.quick else IDLE_S
    time.sleep(seconds)
    used, woken = cpu(subject.agent) - used, wakeups(subject.agent) - woken
    subject.note(f"{what} idle, processor time", used / seconds * 100, "{:.2f} %".format)
    subject.note(f"{what} idle, wakeups a second", woken / seconds, "{:.1f}".format)
