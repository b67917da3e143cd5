# Thin: each target does its own set-up and calls what does the work.
BUILD ?= build
MESON_FLAGS ?=

.PHONY: all run test test-kernels test-all bench fuzz install clean

all: $(BUILD)/whydrop

# Ninja knows what is stale; make asks it each time.
.PHONY: $(BUILD)/whydrop
$(BUILD)/whydrop:
	@tools/setup
	@[ -f $(BUILD)/build.ninja ] || said=$$(meson setup $(MESON_FLAGS) $(BUILD) 2>&1) || \
		{ printf '%s\n' "$$said" >&2; exit 1; }
	@said=$$(ninja -C $(BUILD) --quiet 2>&1) || { echo "$$said" >&2; exit 1; }

# 0 healthy, 1 losing, 3 not examined: each is an answer.
run: all
	@$(BUILD)/whydrop; status=$$?; [ $$status = 0 ] || [ $$status = 1 ] || [ $$status = 3 ]

test:
	@tools/setup --test
	@tests/run

# What only Debian's 6.1 and 6.12 kernels can show.
test-kernels: all
	@tools/setup --test
	@tests/run kernels

# Everything on every kernel; long.
test-all:
	@tools/setup --test
	@tests/run all

bench: all
	@tools/setup --test
	@bench/run
	@bench/storm
	@bench/sockets
	@bench/pcap
	@bench/truth

# Each fuzzer for ten minutes from its corpus; what it finds stays in build-fuzz.
FUZZ_SECONDS ?= 600
fuzz:
	@tools/setup --test
	@[ -f build-fuzz/build.ninja ] || CC=clang meson setup -Dfuzz=true -Db_lundef=false \
		-Db_sanitize=address,undefined -Doptimization=1 build-fuzz > /dev/null
	@ninja -C build-fuzz --quiet
	@for name in reader decode tcp; do \
		mkdir -p build-fuzz/corpus/$$name && build-fuzz/tests/fuzz_$$name -max_len=4096 \
			-max_total_time=$(FUZZ_SECONDS) -artifact_prefix=build-fuzz/$$name- \
			build-fuzz/corpus/$$name tests/fuzz/corpus/$$name || exit 1; done

install: all
	@meson install -C $(BUILD)

clean:
	rm -rf build build-*
