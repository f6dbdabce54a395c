"""Golden files from raw dumps of a stock agent, as shared by whoever recorded them.

    PYTHONPATH=tests/lib python3 -m neutron_bed.record RAW HOST tests/golden/stock-agent
"""

import json
import os
import sys

from . import dumps, ovs

RECORDED = ["br-int", "br-tun", "br-phys"]


def recorded(folder, host):
    """{name: lines} of a folder of raw dumps: HOST.BRIDGE.flows and .ports, HOST.TABLE.json."""
    def read(name):
        with open(os.path.join(folder, f"{host}.{name}"), encoding="utf-8") as file:
            return file.read()

    result = {f"{bridge}.flows": dumps.shapes(dumps.flows(read(f"{bridge}.flows"),
                                              dumps.port_names(read(f"{bridge}.ports"))))
              for bridge in RECORDED}
    tables = (ovs.rows_of(json.loads(read(f"{table}.json")))
              for table in ("bridge", "port", "interface"))
    result["ovsdb"] = dumps.ovsdb_shapes(dumps.ovsdb(*tables))
    return result


def main():
    """Writes the golden files of one host."""
    raw, host, golden = sys.argv[1:]
    for name, lines in recorded(raw, host).items():
        with open(os.path.join(golden, f"{host}.{name}"), "w", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in lines))


if __name__ == "__main__":
    main()
