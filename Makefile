# The verbs.  The build itself is in meson.build, the work in tools/, tests/run and lab/.
#
#   make               build into build/             make up, make down   the lab
#   make deps          install what is missing       make check-fast      under a minute
#   make install       DESTDIR= PREFIX=/usr          make check           what CI runs
#   make format        clang-format everything       make check-long      hours
#   make lint          every static check            make fuzz            FUZZ_TIME=60 each
#   make clean                                      make bench-flat    docs/performance.md
#                                                   make bench-guests  its table of guests
#                                                   make bench-cleanup its table of ports
#                                                   make bench-agent   its tables of the agent
#   make lab-neutron   stock neutron, docs/testbed.md            make lab-neutron-down
#
# LAB_PREFIX=, PROFILE=, HA=1, BROKER=rabbit and GUEST= (netns, qemu, libvirt) go to the lab;
# HOSTS= and AGENT= to lab-neutron; TESTS='--match NAME' to the test runner;
# BENCH='--quick' to the bench.

PREFIX ?= /usr
DESTDIR ?=
FUZZ_TIME ?= 60
TESTS ?=
BENCH ?=
export PREFIX

LAB = LAB_PREFIX='$(LAB_PREFIX)' PROFILE='$(PROFILE)' HA='$(HA)' BROKER='$(BROKER)' \
      GUEST='$(GUEST)' BUILD_DIR='$(CURDIR)/build'

.PHONY: all up down lab-neutron lab-neutron-down deps check-fast check check-long bench-flat \
        bench-bus bench-guests bench-cleanup bench-agent \
        lint fuzz format install clean
.NOTPARALLEL:

all:
	@tools/build plain

deps:
	@tools/deps

up:
	@tools/deps build lab $(if $(filter-out netns,$(GUEST)),vm)
	@tools/build plain
	@$(LAB) lab/up

down:
	@$(LAB) lab/down

lab-neutron:
	@tools/deps
	@tools/build -q plain
	@$(LAB) lab/neutron up $(or $(HOSTS),2) $(or $(AGENT),python)

lab-neutron-down:
	@$(LAB) lab/neutron down

check-fast: deps
	@tests/run --suite lint-fast,unit,house $(TESTS)

check: deps
	@tests/run --suite all --again 3 $(TESTS)

check-long: deps
	@tests/run --suite all --long --fuzz-time 600 --fuzz-seed 0 $(TESTS)

bench-flat:
	@tools/deps build lab
	@tools/build -q plain all bench-programs
	@BUILD_DIR='$(CURDIR)/build' bench/flat/run.py $(BENCH)

# Needs root: a broker in a network namespace of its own.
bench-bus:
	@tools/deps build lab check
	@tools/build plain
	@unshare --pid --fork --kill-child --mount-proc bench/bus/run.py $(BENCH)

bench-guests:
	@tools/deps build lab vm
	@tools/build -q plain
	@BUILD_DIR='$(CURDIR)/build' bench/guests/run.py $(BENCH)

# Needs root: switches in network namespaces.
bench-cleanup:
	@tools/deps build lab check
	@tools/build -q plain
	@unshare --mount --pid --fork --kill-child --mount-proc bench/cleanup/run.py $(BENCH)

# Needs root: the bed of stock neutron, docs/testbed.md.
bench-agent:
	@tools/deps
	@tools/build -q plain
	@BUILD_DIR='$(CURDIR)/build' tests/run --inside bench/agent/run.py $(BENCH)

fuzz: deps
	@tests/run --suite fuzz --fuzz-time $(FUZZ_TIME) --fuzz-seed 0 $(TESTS)

lint: deps
	@tools/build -q plain
	@tools/lint

format:
	@tools/format

install:
	@tools/build -q plain
	@meson install -C build --no-rebuild --quiet $(if $(DESTDIR),--destdir '$(abspath $(DESTDIR))')

clean:
	rm -rf build build-asan build-clang build-fuzz
