# The verbs of the repository. CI runs `make check`, which is .ci/run.

.PHONY: check run test

# Everything a change must pass; installs the tools it needs under target/.
check:
	.ci/run

# A node on 127.0.0.1:50051.
run:
	cargo run --release

test:
	cargo test --all-features
