# Every step sets up what it needs: Python 3.11 to 3.13, make and a package index are enough.

.DEFAULT_GOAL := help
SHELL := /bin/sh

# The first Python that works and that TensorFlow has packages for. Run, not only found: version
# managers leave commands on the path that only say that they are not installed.
FIT := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11 python,\
	$(shell $(p) -c '$(FIT)' >/dev/null 2>&1 && echo $(p))))

BIN := .venv/bin
READY := .venv/ready

.PHONY: help demo test test-picamera2 virtual-pi test-arm64 test-service soak power check fix fuzz bench bench-loop \
	bench-peers bench-unattended bench-training bench-conversion lock clean pictures

help:  ## say what there is
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: $(READY)  ## the whole pipeline on pictures that the program draws, in demo/
	$(BIN)/galago demo demo

test: $(READY)  ## every test; skipped ones say what is missing
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4

test-picamera2: $(READY)  ## the Pi's camera on real picamera2, in a Debian 13 in .cache/; needs root, mmdebstrap
	tests/picamera2/chroot.sh $(BIN)/python

VM_TOOLS := qemu-system-x86 qemu-system-arm qemu-utils mmdebstrap cpio kmod e2fsprogs dosfstools \
	mtools openssh-client

virtual-pi: $(READY)  ## a Pi in a virtual machine: cameras, watchdogs, deploy, flash, power cuts; needs root
	@for tool in qemu-system-x86_64 qemu-system-aarch64 mmdebstrap cpio depmod mkfs.vfat mcopy; do \
		command -v $$tool >/dev/null || missing=1; done; [ -z "$$missing" ] || \
		{ apt-get -qq update && apt-get -qq install --yes --no-install-recommends $(VM_TOOLS); }
	GALAGO_VIRTUAL_PI=1 $(BIN)/python -m pytest tests/virtual_pi

test-arm64: $(READY)  ## the wheel and three models on an emulated 64-bit Arm, minutes; needs root
	@for tool in qemu-aarch64-static mmdebstrap; do \
		command -v $$tool >/dev/null || missing=1; done; [ -z "$$missing" ] || \
		{ apt-get -qq update && apt-get -qq install --yes --no-install-recommends \
			qemu-user-static mmdebstrap; }
	GALAGO_ARM64=1 $(BIN)/python -m pytest tests/arm64

SERVICE_TOOLS := systemd-container dbus libcap2-bin

test-service: $(READY)  ## the unit under a real systemd in a container, minutes; needs root
	@command -v systemd-nspawn >/dev/null || { apt-get -qq update && \
		apt-get -qq install --yes --no-install-recommends $(SERVICE_TOOLS); }
	GALAGO_SERVICE=1 $(BIN)/python -m pytest tests/service tests/deploy \
		tests/edge/doctor/test_doctor_in_service.py

PICTURE = $(firstword $(wildcard demo/sample/images/test/$(1)/*))

soak: demo  ## the daemon through every fault again and again, an hour; as root
	$(BIN)/python -m tests.faults demo/feeder.tflite $(call PICTURE,bird) $(call PICTURE,squirrel)

power: demo  ## power cuts: a card at every touch and 200 moments, a virtual machine 200 times; hours, as root
	GALAGO_POWER=1 $(BIN)/python -m pytest tests/activation_faults
	$(BIN)/python bench/power.py demo/feeder.tflite $(call PICTURE,bird) $(call PICTURE,squirrel) \
		--cuts 200 --boots 200

check: $(READY)  ## lint and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

fix: $(READY)  ## mend what ruff can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

fuzz: demo  ## one hundred thousand damaged and hostile model files, a quarter of an hour or more
	$(BIN)/python -m tests.fuzz demo/feeder.tflite --count 100000 --seed 0

bench: demo  ## the figures of docs/benchmarks.md; needs the folder ../shared, and make test before
	$(BIN)/python bench/cats_dogs.py ../shared
	$(BIN)/python bench/which_epoch.py ../shared
	$(BIN)/python bench/startup.py demo/feeder.tflite
	$(BIN)/python bench/interpreters.py demo/feeder.tflite .cache/environments/edge-*/bin/python \
		.cache/environments/tflite-runtime-*/bin/python

bench-peers: $(READY)  ## Galago beside other programs, twenty minutes; a first run installs them
	PYTHONPATH=bench $(BIN)/python -m peers --chart docs/pictures/peers.svg

bench-loop: demo  ## the loop, a million frames, the camera's faults; after bench-peers, as root, ../shared
	$(BIN)/python bench/loop.py demo/feeder.tflite .cache/peers/224.tflite
	$(BIN)/python bench/preprocessing.py ../shared
	$(BIN)/python bench/endurance.py demo/feeder.tflite
	$(BIN)/python bench/false_alarms.py ../shared
	$(BIN)/python bench/rtsp_outage.py

bench-unattended: demo  ## events, pictures, publishers, page and service, an hour; as root
	cd bench && ../$(BIN)/python decision.py ../demo/feeder.tflite --films 6
	$(BIN)/python bench/store.py $${STORE_FOLDER:-$$HOME} --kills 1000
	$(BIN)/python bench/retention.py
	$(BIN)/python bench/outbox.py
	$(BIN)/python bench/vitals.py demo/feeder.tflite
	$(BIN)/python bench/web.py demo/feeder.tflite
	$(BIN)/python -m tests.service demo/feeder.tflite
	$(BIN)/python -m tests.deploy demo/feeder.tflite

bench-training: $(READY)  ## the same of training, some two hours; needs the folder ../shared
	rm -rf .cache/runs && mkdir -p .cache/runs
	$(BIN)/python bench/planted.py
	$(BIN)/python bench/leak.py ../shared
	$(BIN)/python bench/resume.py
	$(BIN)/python bench/throughput.py ../shared
	$(BIN)/python bench/accuracy.py ../shared transfer --out .cache/runs
	$(BIN)/python bench/accuracy.py ../shared few --out .cache/runs
	$(BIN)/python bench/accuracy.py ../shared scratch --out .cache/runs
	$(BIN)/python bench/accuracy.py ../shared cifar --out .cache/runs

bench-conversion: $(READY)  ## the same of conversion, from the networks that bench-training has left
	$(BIN)/python bench/conversion.py .cache/runs/transfer .cache/runs/cifar --recipes
	$(BIN)/python bench/conversion.py .cache/runs/scratch

pictures: demo  ## the pictures in docs/, made by the program; the browser test brings what photographs them
	$(BIN)/python docs/pictures.py demo
	$(BIN)/python -m pytest -q tests/browser
	$(BIN)/python docs/page.py demo

LOCK := .venv-lock/bin/uv pip compile --quiet --universal --generate-hashes --no-header \
	--no-annotate --upgrade --python-version 3.11 pyproject.toml

lock:  ## choose the newest versions that fit and write them down, with their digests
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet uv
	$(LOCK) --group dev --extra train --extra tensorboard --extra mqtt --extra web --extra gpio \
		--output-file locks/workstation.txt
	$(LOCK) --extra edge --extra mqtt --extra web --extra gpio --output-file locks/edge.txt
	$(LOCK) --extra edge --extra bookworm --extra mqtt --extra web --extra gpio \
		--output-file locks/bookworm.txt
	$(LOCK) --extra tflite-runtime --extra mqtt --extra web --extra gpio \
		--output-file locks/tflite-runtime.txt
	$(LOCK) --group mediapipe --output-file locks/mediapipe.txt
	$(LOCK) --group homeassistant --output-file locks/homeassistant.txt
	$(LOCK) --group schemathesis --output-file locks/schemathesis.txt

clean:  ## remove what make has made
	rm -rf .venv .venv-lock .cache demo dist .mypy_cache .pytest_cache .ruff_cache

# OpenCV with windows needs libGL and glib, which a bare server lacks: there the camera's headless
# package of the same version takes its place, and only `galago watch` is lost.
$(READY): pyproject.toml locks/workstation.txt
	@test -n "$(PYTHON)" || { echo "galago needs Python 3.11 to 3.13 with its venv module" \
		"(Debian: apt install python3-venv); or name one: make PYTHON=/path/to/python"; exit 1; }
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r locks/workstation.txt
	$(BIN)/python -c 'import cv2' 2>/dev/null || { \
		$(BIN)/python -m pip uninstall --quiet --yes opencv-python && \
		$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r locks/edge.txt; }
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
