# SPDX-License-Identifier: Apache-2.0
#
#   make demo      forwards packets between network namespaces and shows what the router saw
#   make test      builds and runs every test; what needs root is skipped without it, and says so
#   make bench     measures clocks per packet (CASES='NAME ...' for some of them)
#   make lint      checks the format of every Swift file
#   make install   installs under PREFIX (/usr/local); DESTDIR is put in front of it
#   make soak      the tests that take minutes
#   make published writes anew what is made from the program: schema, tables of keys, picture of the graph
#   make clean     removes what was built

PREFIX ?= /usr/local
DESTDIR ?=
CASES ?=

release := .build/release

.PHONY: all build demo test bench lint format published install uninstall soak clean

all: build

build:
	@Tools/install-dependencies build
	swift build -c release

demo:
	@Tools/install-dependencies build
	swift build -c release --product martlet
	@Tools/demo

test:
	@Tools/test

bench:
	@Tools/install-dependencies build
	swift build -c release --product martlet
	$(release)/martlet bench $(CASES)

soak:
	@Tools/test --soak

lint:
	swift format lint --strict --parallel --recursive $(SWIFT_PATHS)

format:
	swift format --in-place --parallel --recursive $(SWIFT_PATHS)

SWIFT_PATHS := Package.swift Sources Plugins Tests Tools

# What is made from the program and committed: the schema of the configuration, the tables of its keys, the picture of
# the graph. A test compares them with what the program says now.
published:
	@Tools/install-dependencies build pictures
	swift build -c release --product martlet
	MARTLET=$(CURDIR)/$(release)/martlet MARTLET_UPDATE=1 swift test --filter PublishedTests
	dot -Tsvg docs/graph.dot -o docs/graph.svg

# The program and its libraries lie in one directory, where they find each other and the plugins; Swift's runtime goes
# with them, so that the machine needs no toolchain.
library := $(DESTDIR)$(PREFIX)/lib/martlet

install: build
	install -d $(DESTDIR)$(PREFIX)/bin $(library) $(DESTDIR)$(PREFIX)/share/martlet/bench
	install -m 755 $(release)/martlet $(library)/
	install -m 644 $(release)/lib*.so $(library)/
	ldd $(release)/martlet | awk '$$3 ~ "/swift/" { print $$3 }' | xargs -r -I {} install -m 644 {} $(library)/
	ln -sfn ../lib/martlet/martlet $(DESTDIR)$(PREFIX)/bin/martlet
	install -m 644 Graphs/*.yaml Graphs/*.pcap Graphs/martlet.schema.json $(DESTDIR)$(PREFIX)/share/martlet/
	install -m 644 Graphs/bench/*.yaml $(DESTDIR)$(PREFIX)/share/martlet/bench/

uninstall:
	rm -rf $(library) $(DESTDIR)$(PREFIX)/share/martlet/bench
	rm -f $(DESTDIR)$(PREFIX)/bin/martlet

clean:
	rm -rf .build
