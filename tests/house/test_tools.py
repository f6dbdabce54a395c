#!/usr/bin/python3
"""Each static check finds the violation it is there for, and nothing in clean code."""

import os
import shutil
import sys

from house import ROOT, Checks, run, tool, tree

LAYERS = "base\nwire\nhost store\nserver/core\nserver/op\nserver\nprograms\n"


def layers(checks):
    def found(path, includes, extra=()):
        text = "".join(f"#include {i}\n" for i in includes)
        files = {"src/LAYERS": LAYERS, "src/base/err.h": "", "src/store/row.h": "",
                 "src/server/core/ports.h": "", "src/server/op.h": "", "src/server/server.h": "",
                 path: text, **dict(extra)}
        with tree(files) as top:
            status, output = tool("layers", top)
            return status, output

    for name, path, includes, wanted in [
            ("a higher layer", "src/base/a.c", ["<config.h>", '"store/row.h"'],
             "src/base/a.c:2: layer base must not include store/row.h"),
            ("the same line", "src/host/a.c", ["<config.h>", '"store/row.h"'],
             "layer host must not include store/row.h"),
            ("op from core", "src/server/core/a.c", ["<config.h>", '"server/op.h"'],
             "layer server/core must not include server/op.h (layer server/op)"),
            ("server.h from op", "src/server/op.c", ["<config.h>", '"server/server.h"'],
             "layer server/op must not include server/server.h (layer server)"),
            ("a private OVS header above wire", "src/host/a.c", ["<config.h>", '"netlink.h"'],
             "private netlink.h is for base/ and wire/ only"),
            ("the same in angle brackets", "src/host/a.c", ["<config.h>", "<unixctl.h>"],
             "private unixctl.h is for base/ and wire/ only"),
            ("a header that is nowhere", "src/host/a.c", ["<config.h>", '"nowhere.h"'],
             "nowhere.h is neither"),
            ("config.h not first", "src/host/a.c", ["<stdio.h>", "<config.h>"],
             "src/host/a.c:1: the first include"),
            ("no include at all", "src/host/a.c", [], "the first include"),
            ("a folder in no line", "src/other/a.c", ["<config.h>"], "in no line"),
            ("a folder below server in no line", "src/server/new/a.c", ["<config.h>"],
             "in no line")]:
        status, output = found(path, includes)
        checks.that(f"layers: {name} is found", status == 1 and wanted in output
                    and output.count("\n") == 1, output)
    for path, includes in [
            ("src/server/op.c", ["<config.h>", '"server/op.h"', '"server/core/ports.h"']),
            ("src/server/core/deep/a.c", ["<config.h>", '"store/row.h"', "<stdio.h>"]),
            ("src/wire/a.c", ["<config.h>", '"netlink.h"', '"base/err.h"']),
            ("src/host/a_test.c", ["<config.h>", '"openvswitch/hmap.h"', "<cmocka.h>"])]:
        status, output = found(path, includes)
        checks.that(f"layers: {path} including what it may is clean", status == 0, output)
    with tree({"src/LAYERS": LAYERS}) as top:
        checks.that("layers: an empty tree is an error", tool("layers", top)[0] != 0)


def function(n_lines=5, args="void", body=""):
    filler = "    x++;\n" * (n_lines - 4)
    return f"static int\nf({args})\n{{\n{filler}{body}}}\n"


def sizes(checks):
    def found(path, text, allow=""):
        with tree({path: text, "tools/sizes.allow": allow}) as top:
            return tool("sizes", top)

    deep = "    if (a) {\n        for (;;) {\n            while (b) {\n                switch (c) {\n"
    six, seven = ", ".join(["int a"] * 6), "int a,\n  int (*b)(int, int), " + ", ".join(["int c"] * 5)
    for name, text, wanted in [
            ("a function of 121 lines", function(121), "f() has 121 lines"),
            ("a file of 901 lines", "\n" * 901, "901 lines, at most 900"),
            ("five blocks in each other", function(body=deep + "if (d) { } } } } }\n"),
             "f() nests 5 deep"),
            ("seven arguments", function(args=seven), "f() takes 7 arguments")]:
        status, output = found("src/base/a.c", text)
        checks.that(f"sizes: {name} is found", status == 1 and wanted in output
                    and output.count("\n") == 1, output)
    status, output = found("src/base/a.h", "\n" * 201)
    checks.that("sizes: a header of 201 lines is found", status == 1 and "201 lines" in output)
    clean = (function(120) + function(args=six) + function(body=deep + "} } } }\n")
             + "/* if (x) { { { { { { */\nstatic const char *s = \"{{{{{{\";\n"
             + "#define M(x) do { { { { { { } } } } } } while (0)\n"
             + "static struct p t[] = { { { { { { { 0 } } } } } } };\n"
             + function(body=deep + "g((struct p){ .a = { { 0 } } }); int v[] = { 1 }; } } } }\n"))
    status, output = found("src/base/a.c", clean)
    checks.that("sizes: what is within the limits is clean", status == 0, output)
    allow = "src/base/a.c f arguments an outside interface\n"
    status, output = found("src/base/a.c", function(args=seven), allow)
    checks.that("sizes: an exception is honoured", status == 0, output)
    status, output = found("src/base/a.c", function(), allow)
    checks.that("sizes: an exception not needed is found", status == 1 and "no longer" in output)


def symbols(checks):
    def found(folder, source):
        with tree({"build/src/a.c": source, "theirs.c": "int hash_bytes(void) { return 1; }\n"}) as top:
            where = os.path.join(top, "build/src")
            for c, archive in (("build/src/a.c", f"build/src/libnt_{folder}.a"),
                               ("theirs.c", "theirs.a")):
                obj = os.path.join(where, folder + "_a.c.o")
                run("cc", "-c", "-o", obj, os.path.join(top, c))
                run("ar", "crT" if folder == "net" else "cr", os.path.join(top, archive), obj)
                if archive != "theirs.a" and folder == "net":
                    continue
                os.unlink(obj)
            return tool("symbols", os.path.join(top, "build"), os.path.join(top, "theirs.a"))

    status, output = found("server", "int hash_bytes(void) { return 2; }\n")
    checks.that("symbols: one that libopenvswitch has too is found",
                status == 1 and "src/server/a.c:1: hash_bytes is also" in output, output)
    status, output = found("host", "int rules(void) { return 2; }\n")
    checks.that("symbols: an external name without nt_ is found",
                status == 1 and "src/host/a.c:1: external name rules" in output, output)
    status, output = found("host", "static int f(void) { return 2; }\nint nt_g(void) { return f(); }\n")
    checks.that("symbols: nt_ and static names are clean", status == 0, output)
    status, output = found("server", "int port_load(void) { return 2; }\n")
    checks.that("symbols: names above host/ need no prefix", status == 0, output)
    with tree({"src/none": ""}) as top:
        checks.that("symbols: without libraries it fails", tool("symbols", top)[0] not in (0,))


def formatting(checks):
    bad = "int f(int a){return a;}\n"
    with tree({"src/base/a.c": bad}) as top:
        shutil.copy(os.path.join(ROOT, ".clang-format"), top)
        status, output = tool("format", "--check", top)
        checks.that("format: an unformatted file is found",
                    status == 1 and output.startswith("src/base/a.c:1:"), output)
        tool("format", top)
        with open(os.path.join(top, "src/base/a.c"), encoding="utf-8") as f:
            text = f.read()
        checks.that("format: formats it by our rules",
                    text == "int\nf(int a)\n{\n    return a;\n}\n", text)
        checks.that("format: is clean then", tool("format", "--check", top)[0] == 0)


def cppcheck(checks):
    bad = "int f(void)\n{\n    int a[2];\n    a[2] = 1;\n    return a[0];\n}\n"
    good = ("int f(struct list *l)\n{\n    struct thing *t;\n    int n = 0;\n"
            "    LIST_FOR_EACH (t, node, l) {\n        n += t->n;\n    }\n    return n;\n}\n")
    with tree({"src/base/a.c": bad}) as top:
        status, output = tool("cppcheck", top)
        checks.that("cppcheck: an index out of bounds is found",
                    status == 1 and "src/base/a.c:4: error" in output, output)
    with tree({"src/base/a.c": good}) as top:
        status, output = tool("cppcheck", top)
        checks.that("cppcheck: libopenvswitch's loops are understood", status == 0, output)


def lint(checks):
    fake = {f"tools/{t}": "#!/bin/sh\nexit 0\n" for t in
            ("layers", "sizes", "symbols", "format", "cppcheck")}
    for broken, wanted in (("layers", "layers: x.c:1: bad"), ("cppcheck", "cppcheck: cannot start")):
        text = ("#!/bin/sh\necho x.c:1: bad; exit 1\n" if broken == "layers"
                else "#!/bin/sh\necho cannot start >&2; exit 2\n")
        with tree({**fake, f"tools/{broken}": text}) as top:
            shutil.copy(os.path.join(ROOT, "tools/lint"), os.path.join(top, "tools"))
            status, output = run(os.path.join(top, "tools/lint"))
            checks.that(f"lint: a failing {broken} is counted", status == 1
                        and wanted in output and output.endswith("\n1 findings\n"), output)


def main():
    checks = Checks()
    for part in (layers, sizes, symbols, formatting, cppcheck, lint):
        part(checks)
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
