#!/usr/bin/python3 -B
"""/metrics of each program as Prometheus reads it, on loopback only; and one request id
in the logs of all programs that worked for a request."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect, need, wait_for  # noqa: E402
from lab import cloud, hosts, lab_for  # noqa: E402

NETWORK, COMPUTE = "controller-1", "compute-1"
PORTS = {"server": (NETWORK, 9774), "flat": (NETWORK, 9775), "compute": (COMPUTE, 9776)}
SAMPLE = re.compile(r'([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\]|\\.)*",?)*\})? (-?[0-9.e+-]+|[+-]Inf)')
PROCESS = ["neutrino_process_resident_memory_bytes", "neutrino_process_open_fds",
           "neutrino_process_cpu_seconds_total", "neutrino_loop_turns_total",
           "neutrino_loop_slow_turns_total", "neutrino_bus_connected"]


def get(lab, program, path="/metrics", method="GET"):
    host, port = PORTS[program]
    return cloud.request(lab.netns(host), "127.0.0.1", port, method, path)


def metrics(lab, program):
    """Value by name and labels; the text must be what the format wants."""
    answer = get(lab, program)
    equal(answer.status, 200, "status")
    expect(answer.headers["Content-Type"].startswith("text/plain; version=0.0.4"),
           answer.headers["Content-Type"])
    values, types = {}, {}
    for line in answer.text().splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            expect(name not in types, f"{name} twice")
            types[name] = kind
        elif not line.startswith("# HELP "):
            match = SAMPLE.fullmatch(line)
            expect(match, f"not a sample: {line!r}")
            family = re.sub(r"_(bucket|sum|count)$", "", match[1])
            expect(family in types or match[1] in types, f"{match[1]} has no type")
            expect(match[1].startswith("neutrino_"), match[1])
            name = match[1] + (match[2] or "")
            expect(name not in values, f"{name} twice")
            values[name] = float(match[3])
    return values


def every_program(lab):
    for program in PORTS:
        values = metrics(lab, program)
        info = [name for name in values if name.startswith("neutrino_build_info{")]
        equal(len(info), 1, f"build_info of {program}")
        expect(f'program="neutrino-{program}"' in info[0], info[0])
        for name in PROCESS:
            expect(name in values, f"{program} has no {name}")
        expect(values["neutrino_process_resident_memory_bytes"] > 1e6, "memory")
        equal(values["neutrino_bus_connected"], 1, f"bus of {program}")


def only_that(lab):
    equal(get(lab, "server", "/").status, 404, "/")
    equal(get(lab, "flat", "/metrics/x").status, 404, "/metrics/x")
    equal(get(lab, "compute", method="POST").status, 405, "POST")


def loopback_only(lab):
    for port in (9774, 9775):
        try:
            cloud.request(lab.netns(COMPUTE), hosts.CONTROLLER, port, "GET", "/metrics",
                          timeout=2)
        except OSError:
            continue
        expect(False, f"port {port} answers to other hosts")


def boots_count(lab):
    before = metrics(lab, "server")
    lab.boot_and_wait("one", COMPUTE)
    after = metrics(lab, "server")
    equal(after["neutrino_boots_total"] - before["neutrino_boots_total"], 1, "boots")
    equal(after["neutrino_boot_seconds_count"] - before["neutrino_boot_seconds_count"], 1,
          "ended boots")
    expect(0 < after["neutrino_boot_seconds_sum"] < 30, "their seconds")
    equal(after["neutrino_boots_pending"], 0, "under way")
    expect(after["neutrino_db_commits_total"] > before["neutrino_db_commits_total"], "commits")
    name = 'neutrino_http_requests_total{door="rest",status="202"}'
    equal(after[name] - before.get(name, 0), 1, name)
    equal(after["neutrino_bus_peers"], 3, "peers")


def failed_boot_counts(lab):
    before = metrics(lab, "server")["neutrino_boots_failed_total"]
    init = lab.hosts[COMPUTE].file("/usr/share/neutrino/guests/cirros/init")
    os.rename(init, init + ".away")
    try:
        lab.api.boot("bad", COMPUTE)
        wait_for(lambda: (lab.api.server("bad") or {}).get("status") == "ERROR", 20,
                 lambda: str(lab.api.server("bad")))
    finally:
        os.rename(init + ".away", init)
    equal(metrics(lab, "server")["neutrino_boots_failed_total"] - before, 1, "failed boots")
    lab.delete_and_wait("bad")


def host_programs_count(lab):
    flat, compute = metrics(lab, "flat"), metrics(lab, "compute")
    equal(flat["neutrino_networks"], 1, "networks")
    equal(flat["neutrino_dnsmasq_running"], 1, "dnsmasq")
    equal(flat['neutrino_addresses{state="leased"}'], 1, "leased")
    equal(flat["neutrino_floating_addresses"], 0, "floating")
    expect(flat['neutrino_lease_events_total{event="lease"}'] >= 1, "lease events")
    equal(flat["neutrino_dhcp_releases_pending"], 0, "releases pending")
    expect(flat['neutrino_iptables_applies_total{family="ipv4"}'] >= 1, "applies")
    equal(flat['neutrino_iptables_failures_total{family="ipv4"}'], 0, "failures")
    equal(compute['neutrino_guests{state="running"}'], 1, "guests")
    expect(compute["neutrino_guest_start_seconds_count"] >= 1, "starts")
    expect(compute["neutrino_guard_applies_total"] >= 1, "guard")


def log_lines(lab, host, program, *words):
    return [line for line in lab.program(host, program).log().splitlines()
            if all(word in line for word in words)]


def request_id(lab):
    """From the API's answer to the network host's and the compute host's log, and back."""
    image = lab.api.image_id("cirros")
    answer = lab.api.send("POST", "/servers", {"server": {
        "name": "traced", "imageRef": image, "flavorRef": "1",
        "availability_zone": f"nova:{COMPUTE}"}})
    equal(answer.status, 202, answer.text())
    boot = answer.headers["X-Openstack-Request-Id"]
    instance = answer.json()["server"]["id"]
    lab.wait_guest("traced")
    for host, program, event in ((NETWORK, "server", "instance_created"),
                                 (NETWORK, "flat", "address served"),
                                 (COMPUTE, "compute", "guest plugged"),
                                 (COMPUTE, "compute", "guest started"),
                                 (NETWORK, "server", "state=active")):
        expect(log_lines(lab, host, program, event, instance, f"request_id={boot}"),
               f"neutrino-{program} has no '{event}' of {instance} with {boot}")

    answer = lab.api.send("DELETE", f"/servers/{instance}")
    end = answer.headers["X-Openstack-Request-Id"]
    expect(end != boot, "the same id twice")
    lab.api.wait_gone("traced")
    for host, program, event in ((NETWORK, "flat", "address released"),
                                 (COMPUTE, "compute", "guest gone"),
                                 (NETWORK, "server", "instance_deleted")):
        wait_for(lambda: log_lines(lab, host, program, event, instance, f"request_id={end}"), 5,
                 f"neutrino-{program} has no '{event}' of {instance} with {end}")


def lease_names_instance(lab):
    instance = lab.api.server("one")["id"]
    expect(log_lines(lab, NETWORK, "flat", "|lease ", f"instance={instance}"),
           "the lease's line does not name the instance")


def can_be_switched_off(lab):
    lab.stop_program(COMPUTE, "compute")
    path = "/etc/neutrino/neutrino.conf"
    before = lab.hosts[COMPUTE].read(path)
    lab.hosts[COMPUTE].write(path, before + "compute_metrics_port = 0\n")
    lab.up_program(COMPUTE, "compute")
    try:
        get(lab, "compute")
    except ConnectionRefusedError:
        return
    expect(False, "port 9776 still answers")


def main():
    lab = lab_for("mt", profile="default")
    need("every program tells its version, memory, descriptors and bus", every_program, lab)
    check("nothing else is served there", only_that, lab)
    check("other hosts cannot ask", loopback_only, lab)
    check("a boot is counted, with its seconds", boots_count, lab)
    check("leases, rules and guests are counted", host_programs_count, lab)
    check("a boot that fails is counted as such", failed_boot_counts, lab)
    check("a request's id is in every program's log", request_id, lab)
    check("a lease is logged with its instance", lease_names_instance, lab)
    check("port 0 switches it off", can_be_switched_off, lab)
    done()


if __name__ == "__main__":
    main()
