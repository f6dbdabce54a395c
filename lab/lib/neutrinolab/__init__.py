"""The lab: a small cloud inside namespaces of one machine.

kernel.py   system calls and processes; nothing here knows the lab
state.py    what the lab has made, on disk, so that a killed 'up' can be cleaned
hosts.py    lab hosts and the wires between them
holder.py   runs inside a new lab host: its private view of the file system
programs.py starts and finds the programs in the hosts
cloud.py    the compute API as the lab uses it
probes.py   who reaches whom
show.py     what 'make up' prints
lab.py      up and down, from these parts
"""
