#!/usr/bin/python3 -B
# timeout: 900
"""One guest that is a virtual machine: from boot to lease, its console, its power, its disk,
the end of the program that started it, its own end, and what is left after it is deleted."""

import base64
import hashlib
import json
import os
import pwd
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import Failed, check, cleanup, done, equal, expect, need, wait_for  # noqa: E402
from lab import (GOLDEN_MAC, golden_files, golden_options, kernel, lab_for,  # noqa: E402
                 probes, programs)
from servers import DOWN, HARD, SOFT, START, STOP, UP, Server  # noqa: E402

HOST = "compute-1"
FOLDER = "/var/lib/nova/instances/instance-00000009"
DISK_MB = 8
DRIVE_FOLDER = "/var/lib/nova/instances/instance-0000000b"
# Each line's pattern, in the order of the reference console.
CONSOLE = [r"^Starting network", r"lease of 10\.0\.0\.2 obtained.*lease time 120",
           r"^adding dns 10\.0\.0\.1",
           r"^cloud-setup: checking http://169\.254\.169\.254/2009-04-04/meta-data/instance-id",
           r"^cloud-setup: successful after \d+/30 tries: up [\d.]+\. iid=i-00000009",
           r"^wget: server returned error: HTTP/1\.1 404 Not Found",
           r"^failed to get http://169\.254\.169\.254/latest/meta-data/public-keys",
           r"^===== cloud-final: system completely up in [\d.]+ seconds ====",
           r"^  instance-id: i-00000009", r"^  public-ipv4: *$", r"^  local-ipv4 : 10\.0\.0\.2"]


# Lives throughout, and is nobody's guest.
foreign = subprocess.Popen(["sleep", "infinity"])
cleanup(foreign.kill)


def tmp(name):
    return os.path.join(os.environ["TMPDIR"], name)


def image(name, number, location, disk_format):
    """An image with a disk that boots the lab's kernel."""
    folder = programs.vm_folder()
    return (f"[image]\nname = {name}\nid = 7b0e6a52-54d5-4b52-8f3c-0000000000{number}\n"
            f"location = {location}\ndisk_format = {disk_format}\nkernel = {folder}/vmlinuz\n"
            f"ramdisk = {folder}/initramfs.gz\nos_command_line = console=ttyS0 quiet\n")


def make_disks():
    with open(tmp("raw.img"), "wb") as file:
        file.write(b"base of the disk".ljust(DISK_MB << 20, b"\0"))
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", "/etc/passwd",
                    tmp("thief.qcow2")], check=True)


def files():
    found = golden_files()
    for name, number, location, disk_format in (("disk", 11, tmp("raw.img"), "raw"),
                                                ("thief", 12, tmp("thief.qcow2"), "qcow2")):
        path = f"/usr/share/neutrino/images/{name}.image"
        found["controller-1"][path] = (0o644, 0, image(name, number, location, disk_format))
    return found


def machines(lab, folder=FOLDER, host=HOST):
    """Pids of the machines whose files are in a folder of a host."""
    net = kernel.namespace_id(kernel.netns_path(lab.netns(host)))
    return [pid for pid, _ in kernel.processes_in({net})
            if f"path={folder}/".encode() in kernel.command_line(pid)]


def taps(lab):
    out = probes.run(lab.netns(HOST), ["ip", "-o", "link", "show", "type", "tun"]).stdout
    return re.findall(r"^\d+: (\S+):", out, re.M)


def console_sequence(lab):
    wait_for(lambda: re.search(r"local-ipv4 : \S+", lab.api.console("cirros")), 30,
             "the console does not end")
    lines = lab.api.console("cirros").splitlines()
    at = 0
    for pattern in CONSOLE:
        while at < len(lines) and not re.search(pattern, lines[at]):
            at += 1
        expect(at < len(lines), lambda p=pattern: f"{p} is missing, or out of order")


def device(lab):
    link = probes.link(lab.netns(HOST), "vnet0")
    equal((link["master"], link["mac"], link["up"]), ("br100", "fe:16:3e:2c:e8:ec", True), "vnet0")
    guarded = lab.in_host(HOST, ["nft", "list", "ruleset"]).stdout
    expect("vnet0" in guarded and GOLDEN_MAC in guarded, "the guard does not know vnet0")


def process(lab):
    [pid] = machines(lab)
    words = kernel.command_line(pid).decode().split("\0")
    options = dict(zip(words, words[1:]))
    equal((options["-m"], options["-smp"]), ("512M", "1"), "memory and processors")
    expect(options["-sandbox"].startswith("on,"), "it is not confined")
    equal(os.getsid(pid), pid, "its session")


def only_own_address(lab):
    said = probes.ask_vm(lab.netns("controller-1"), "10.0.0.2",
                         "busybox ip addr add 10.0.0.77/24 dev eth0;"
                         " busybox ping -c 2 -W 1 -I 10.0.0.77 10.0.0.1 >/dev/null 2>&1"
                         " && echo yes || echo no; busybox ip addr del 10.0.0.77/24 dev eth0")
    equal(said, "no", "an answer to an address that is not the guest's")


def survives(lab, how):
    [pid] = machines(lab)
    ping = subprocess.Popen(probes.in_netns(lab.netns("controller-1"),
                                            ["ping", "-n", "-q", "-i", "0.1", "-W", "30",
                                             "10.0.0.2"]), stdout=subprocess.PIPE, text=True)
    how(lab)
    wait_for(lambda: "guest taken up" in lab.program(HOST, "compute").log(), 30,
             "the guest is not taken up")
    equal(machines(lab), [pid], "machines")
    probes.run(lab.netns("controller-1"), ["ping", "-n", "-q", "-c", "5", "-i", "0.2", "10.0.0.2"])
    ping.send_signal(2)
    said = ping.communicate()[0]
    sent, received = (int(n) for n in re.search(r"(\d+) packets transmitted, (\d+) received",
                                                said).groups())
    # The last one may be on its way when ping is told to end.
    expect(sent > 5 and sent - received <= 1, f"lost while it was taken up: {said}")
    equal(lab.api.server("cirros")["status"], "ACTIVE", "status")


def kill_and_start(lab):
    lab.restart_program(HOST, "compute")


def note_foreign_pid(lab):
    """The program ends, and its record names a process that lives and is not the machine."""
    lab.stop_program(HOST, "compute")
    path = f"{FOLDER}/instance.json"
    record = json.loads(lab.hosts[HOST].read(path))
    record["pid"] = foreign.pid
    record["pid_start"] = kernel.process_stat(foreign.pid)[1]
    lab.hosts[HOST].write(path, json.dumps(record), 0o600)
    lab.up_program(HOST, "compute")


def noted_pid(lab):
    return json.loads(lab.hosts[HOST].read(f"{FOLDER}/instance.json"))["pid"]


def finds_its_machine(lab):
    survives(lab, note_foreign_pid)
    equal(noted_pid(lab), machines(lab)[0], "the process noted")


def ends_by_itself(lab):
    try:
        probes.ask_vm(lab.netns("controller-1"), "10.0.0.2", "busybox poweroff -f", timeout=2)
    except OSError:
        pass  # The machine was off before it could close the connection.
    wait_for(lambda: lab.api.server("cirros")["OS-EXT-STS:vm_state"] == "stopped", 60,
             lambda: f"it is {lab.api.server('cirros')['OS-EXT-STS:vm_state']}")
    equal(machines(lab), [], "machines")


def takes_no_foreign_process(lab):
    """The machine has ended and its pid is somebody else's."""
    note_foreign_pid(lab)
    lab.delete_and_wait("cirros")
    expect(foreign.poll() is None, "a process that was not the machine was ended")


def leaves_nothing(lab, name):
    if lab.api.server(name):
        lab.delete_and_wait(name)
    equal(machines(lab, "/var/lib/nova/instances"), [], "machines")
    equal(taps(lab), [], "taps")
    found = lab.in_host(HOST, ["ls", "/var/lib/nova/instances"]).stdout.split()
    equal(found, [], "folders")


def belongings(lab):
    """What of a guest must not change when it is stopped."""
    [link] = json.loads(lab.in_host(HOST, ["ip", "-j", "link", "show", "dev", "vnet0"]).stdout)
    return {"device": {key: link[key] for key in ("ifindex", "address", "master")},
            "rules": lab.all_rules(HOST), "address": lab.address("cirros"),
            "hosts file": lab.hosts_file()}


def answers(lab):
    equal(probes.ping(lab.netns("controller-1"), "10.0.0.2"), probes.ANSWERED, "ping")


def stopped(lab, server, asked=True):
    before, farewells = belongings(lab), server.console().count(DOWN)
    server.act(STOP)
    server.wait("SHUTOFF", 60)
    equal(server.states(), ("SHUTOFF", "stopped", None, 4), "states")
    equal(machines(lab), [], "machines")
    equal(server.console().count(DOWN) - farewells, 1 if asked else 0, "farewells")
    equal(belongings(lab), before, "what it keeps")


def started(lab, server):
    before, ups = belongings(lab), server.console().count(UP)
    server.act(START)
    server.wait("ACTIVE", 60)
    server.wait_up(ups + 1, lab.boot_limit)
    equal(len(machines(lab)), 1, "machines")
    equal(belongings(lab), before, "what it keeps")
    answers(lab)


def rebooted(lab, server, wish, asked):
    [old] = machines(lab)
    text = server.console()
    server.act(wish)
    server.wait("ACTIVE", 90)
    server.wait_up(text.count(UP) + 1, lab.boot_limit)
    [new] = machines(lab)
    expect(new != old, "its machine is the same")
    equal(server.console().count(DOWN) - text.count(DOWN), 1 if asked else 0, "farewells")
    answers(lab)


def deaf(lab):
    """The power button does nothing any more."""
    said = probes.ask_vm(lab.netns("controller-1"), "10.0.0.2",
                         "for p in /proc/[0-9]*; do"
                         " if busybox grep -q acpid $p/cmdline 2>/dev/null; then"
                         " kill -9 ${p#/proc/} && echo done; fi; done")
    equal(said, "done", "the end of who hears the power button")


def reboots_deaf(lab, server):
    deaf(lab)
    rebooted(lab, server, SOFT, False)


def killed_during_stop(lab, server):
    """The wish is in the record: the next program carries it out."""
    def wishes():
        return lab.program(HOST, "compute").log().count("guest's power to be changed")

    deaf(lab)
    before = wishes()
    server.act(STOP)
    wait_for(lambda: wishes() > before, 10, "the wish does not come")
    equal(len(machines(lab)), 1, "machines while it is asked to end")
    lab.restart_program(HOST, "compute")
    server.wait("SHUTOFF", 60)
    equal(machines(lab), [], "machines")


def power(lab):
    server = Server(lab, "cirros")
    check("stopped, it keeps its device, rules and address", stopped, lab, server)
    check("started, it has its address again", started, lab, server)
    check("rebooted, it is asked to end, and starts again", rebooted, lab, server, SOFT, True)
    check("rebooted hard, it is not asked", rebooted, lab, server, HARD, False)
    check("one that does not hear is ended after the limit", reboots_deaf, lab, server)
    check("neutrino-compute is killed while it ends: it is stopped", killed_during_stop, lab,
          server)
    check("it starts after that", started, lab, server)


def own_disk(lab):
    """The guest writes to its disk, and the image stays as it was."""
    with open(tmp("raw.img"), "rb") as file:
        before = hashlib.sha256(file.read()).hexdigest()
    address = lab.boot_and_wait("disk", HOST, image="disk")
    said = probes.ask_vm(lab.netns("controller-1"), address,
                         "busybox head -c 16 /dev/vda; echo;"
                         " echo written | busybox dd of=/dev/vda conv=notrunc,fsync 2>/dev/null;"
                         " busybox head -c 7 /dev/vda; echo; busybox cat /sys/block/vda/size")
    equal(said.split("\n"), ["base of the disk", "written", str(DISK_MB << 11)],
          "what the disk holds, and its size")
    server = Server(lab, "disk")
    for wish, status in ((STOP, "SHUTOFF"), (START, "ACTIVE")):
        server.act(wish)
        server.wait(status, 60)
    server.wait_up(2, lab.boot_limit)
    equal(probes.ask_vm(lab.netns("controller-1"), address, "busybox head -c 7 /dev/vda"),
          "written", "what the disk holds after a stop")
    with open(tmp("raw.img"), "rb") as file:
        equal(hashlib.sha256(file.read()).hexdigest(), before, "the image")
    leaves_nothing(lab, "disk")


def config_drive(lab):
    """What it reads on its config drive is what the metadata service tells it."""
    user_data = bytes(range(256))
    address = lab.boot_and_wait("drive", HOST, config_drive=True, metadata={"a": "b"},
                                user_data=base64.b64encode(user_data).decode())
    equal(lab.api.server("drive")["config_drive"], "True", "what the API says")
    kept = lab.in_host(HOST, ["stat", "-c", "%a %U", f"{DRIVE_FOLDER}/disk.config"]).stdout
    equal(kept, "600 root\n", "the image on the host")

    def ask(command):
        return probes.ask_vm(lab.netns("controller-1"), address, command)

    equal(ask("busybox findfs LABEL=config-2"), "/dev/vda", "the drive with the label")
    ask("busybox mount -t iso9660 -o ro /dev/vda /mnt")
    ask("busybox cat /mnt/openstack/latest/meta_data.json >/dev/ttyS0; echo >/dev/ttyS0")
    wait_for(lambda: '"random_seed"' in lab.api.console("drive"), 10, "it is not on its console")
    for path, seed in (("meta_data.json", "random_seed"), ("network_data.json", None),
                       ("vendor_data.json", None), ("vendor_data2.json", None)):
        found, served = (json.loads(ask(f"busybox {command}/openstack/latest/{path}")) for command
                         in ("cat /mnt", "wget -q -O - http://169.254.169.254"))
        if seed:
            expect(found.pop(seed) != served.pop(seed), "the seed is not a fresh one")
            equal(found["meta"], {"a": "b"}, "meta")
        equal(found, served, path)
    digest = hashlib.sha256(user_data).hexdigest()
    for path in ("openstack/latest/user_data", "ec2/latest/user-data"):
        equal(ask(f"busybox sha256sum /mnt/{path}").split()[0], digest, path)
    found = json.loads(ask("busybox cat /mnt/ec2/latest/meta-data.json"))
    for key in ("instance-id", "local-ipv4", "hostname", "security-groups"):
        equal(found[key], ask("busybox wget -q -O - http://169.254.169.254/latest/meta-data/"
                              + key), key)
    leaves_nothing(lab, "drive")


def other_user(lab):
    """It is nobody's process where qemu_run_as says so, with its drive, and ends as others do."""
    nobody = str(pwd.getpwnam("nobody").pw_uid)
    folder = "/var/lib/nova/instances"
    lab.boot_and_wait("unprivileged", "compute-2", config_drive=True)
    [pid] = machines(lab, folder, "compute-2")
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        status = file.read()
    equal(re.search(r"^Uid:(.*)", status, re.M)[1].split(), [nobody] * 4, "its users")
    expect(re.search(r"^CapEff:\s+0+$", status, re.M), status)
    server = Server(lab, "unprivileged")
    farewells = server.console().count(DOWN)
    server.act(STOP)
    server.wait("SHUTOFF", 60)
    equal(server.console().count(DOWN) - farewells, 1, "farewells")
    lab.delete_and_wait("unprivileged")
    equal(machines(lab, folder, "compute-2"), [], "machines")
    equal(lab.in_host("compute-2", ["ls", folder]).stdout, "", "folders")


def refused_image(lab):
    lab.api.boot("thief", HOST, "thief")
    try:
        lab.api.wait_active("thief")
    except Failed as problem:
        expect("refers to another file" in str(problem), str(problem))
    else:
        raise Failed("an image that refers to a file of the host was booted")
    leaves_nothing(lab, "thief")


def main():
    make_disks()
    options = golden_options()
    # A guest that hears its power button ends in much less, also on a loaded machine.
    options["*"] = {"libvirt_type": "qemu", "shutdown_timeout": "20",
                    "libvirt_wait_soft_reboot_seconds": "20"}
    options["compute-2"] = {"qemu_run_as": "nobody"}
    lab = lab_for("qg", options=options, files=files(), guest_kind="qemu")

    need("a virtual machine boots to the end", lab.boot_and_wait, "cirros", HOST)
    check("its console is the reference's, step by step", console_sequence, lab)
    check("vnet0 has the fe: MAC, its bridge and its guard", device, lab)
    check("the machine has the flavor's size and is confined", process, lab)
    check("the network host reaches it", lambda: equal(
        probes.ping(lab.netns("controller-1"), "10.0.0.2"), probes.ANSWERED, "ping"))
    check("it sends from its own address only", only_own_address, lab)
    power(lab)
    check("neutrino-compute is killed and started: no packet lost", survives, lab,
          kill_and_start)
    check("its machine is found when another process is noted", finds_its_machine, lab)
    check("a machine that ends by itself is stopped", ends_by_itself, lab)
    check("a process that has its pid is not taken for it", takes_no_foreign_process, lab)
    check("deleted, it leaves nothing", leaves_nothing, lab, "cirros")
    check("it writes to a disk of its own", own_disk, lab)
    check("it reads on its config drive what metadata says", config_drive, lab)
    check("it is another user's where qemu_run_as says so", other_user, lab)
    check("an image that refers to the host's files is refused", refused_image, lab)
    done()


if __name__ == "__main__":
    main()
