#!/usr/bin/python3
"""neutrino config: what it shows, what it finds wrong, what it explains; without a server."""

import json
import os
import sys

from house import ROOT, Checks, run, tree

FILES = {
    "nova.conf": "--public_interface=eth1\n--fixed_range=10.0.0.0/24\n--flat_interface=eth2\n"
                 "--state_path=/srv/nova\n--sql_connection=mysql://nova:geheim@db/nova\n",
    "more.conf": "[DEFAULT]\nflat_interface = eth3\nmetadata_proxy_shared_secret = geheim\n"
                 "rabbit_password = geheim\n",
    "wrong.conf": "--metadata_port=http\n--my_ip=300.1\n--flatinterface=x\nnonsense\n"
                  "--network_manager=nova.network.manager.VlanManager\n--compat=diablo\n"
                  "--vlan_interface=eth5\n--networks_path=$nowhere/x\n",
    "d/20.conf": "--host=second\n",
    "d/10.conf": "--host=first\n--dhcp_domain=example\n",
}


def neutrino(*arguments):
    build = os.environ.get("BUILD_DIR") or os.path.join(ROOT, "build")
    return run(os.path.join(build, "src/neutrino"), *arguments)


def shown(*arguments):
    status, output = neutrino("config", "show", "--origin", "-f", "json", *arguments)
    if status:
        return {}
    text = output[output.index("["):]
    return {row["Option"]: (row["Value"], row["Origin"]) for row in json.loads(text)}


def main():
    checks = Checks()
    with tree(FILES) as top:
        first, more, wrong = (os.path.join(top, n) for n in ("nova.conf", "more.conf", "wrong.conf"))
        files = ("--config-file", first, "--config-file", more)
        values = shown(*files)
        checks.that("a later file wins, and its line is the origin",
                    values.get("flat_interface") == ("eth3", f"{more}:2"),
                    values.get("flat_interface"))
        checks.that("what no later file says stays",
                    values.get("fixed_range") == ("10.0.0.0/24", f"{first}:2"), values)
        checks.that("what nobody sets is a default, with '$' replaced",
                    values.get("networks_path") == ("/srv/nova/networks", "default"),
                    values.get("networks_path"))
        status, output = neutrino("config", "show", *files)
        checks.that("no secret and no password is shown",
                    status == 0 and "geheim" not in output and "nova:***@db" in output, output)
        values = shown("--config-file", first, "--config-dir", os.path.join(top, "d"))
        checks.that("a folder is read in the order of names",
                    values.get("host", [""])[0] == "second"
                    and values.get("dhcp_domain", [""])[0] == "example", values.get("host"))

        status, output = neutrino("config", "check", "-f", "json", "--config-file", wrong)
        rows = json.loads(output[output.index("["):output.rindex("]") + 1])
        found = sorted((r["Level"], r["Where"].rpartition(":")[2], r["Problem"].split(" ")[0])
                       for r in rows)
        checks.that("all errors and warnings are found at once", found == [
            ("error", "1", "metadata_port"), ("error", "2", "my_ip"), ("error", "4", "not"),
            ("error", "5", "network_manager"), ("error", "6", "compat"),
            ("error", "8", "$nowhere"), ("warning", "3", "unknown"), ("warning", "7", "option"),
        ], found)
        checks.that("errors give exit status 1", status == 1 and "6 errors" in output, output)
        status, output = neutrino("config", "check", *files)
        checks.that("without errors it is 0", status == 0, output)
        status, output = neutrino("config", "check", "--config-file", os.path.join(top, "none"))
        checks.that("a file that is not there is an error",
                    status == 1 and "cannot read configuration" in output, output)

        status, output = neutrino("config", "explain", "dmz_cidr", "-f", "json", *files)
        told = json.loads(output) if status == 0 else {}
        checks.that("an option is explained", told.get("type") == "networks"
                    and told.get("origin") == "default" and told.get("help"), output)
        status, output = neutrino("config", "explain", "dmz_cdir")
        checks.that("of an unknown one the nearest is named",
                    status == 1 and "did you mean dmz_cidr?" in output, output)

    for shell in ("bash", "zsh", "fish"):
        status, output = neutrino("completion", shell)
        checks.that(f"completion for {shell} is printed", status == 0 and "doctor" in output, output)
    build = os.environ.get("BUILD_DIR") or os.path.join(ROOT, "build")
    with tree({"d/10.conf": "--host=first\n--metadata_port=none\n"}) as top:
        status, output = run(os.path.join(build, "src/neutrino-flat"), "--config-dir",
                             os.path.join(top, "d"))
        checks.that("a daemon reads --config-dir and names file and line",
                    status == 1 and "10.conf:2: metadata_port is 'none'" in output, output)
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
