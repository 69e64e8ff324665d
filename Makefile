# Everything is built by whoever calls. Root is asked for only where a package lacks on this machine (after saying so)
# and for the private namespaces of tests/sandbox.sh.

.PHONY: build programs install vendor deb rpm demo check check-usb check-packages check-docs races faults compliance bench fuzz

# The module, the program that it starts, and the commands: target/release/libpam_mfa.so, mfa-fido, mfa-enroll, mfactl;
# and in target/release/manual their pages, and what shells complete
build:
	@tests/prerequisites.sh build
	@$(MAKE) --no-print-directory programs

# The same where all that is needed is there: package builds come in here, with a CARGO that is told where its crates are
CARGO = cargo
programs:
	$(CARGO) build --release --locked --package pam_mfa --package mfa-fido --package mfa-enroll --package mfactl \
		--package manual
	$${CARGO_TARGET_DIR:-target}/release/write-manual $${CARGO_TARGET_DIR:-target}/release/manual

# What `make build` left, for whoever has no package: DESTDIR=, PREFIX=/usr/local, and more in packaging/install.sh
install:
	@packaging/install.sh

# This tree and the crates that it needs as two tarballs, for builds without network: target/dist
vendor:
	@tests/prerequisites.sh build
	@packaging/vendor.sh

# Debian's packages and their source package: target/deb
deb: vendor
	@tests/prerequisites.sh deb
	@packaging/deb.sh

# Packages for Fedora and RHEL, where there is rpmbuild: target/rpm. Their unit tests are those of `make check`
rpm: vendor
	@rpm/build.sh --nocheck

# A real sshd that asks for a code, accepts it once, refuses it the second time, and needs none from a bypassed network
demo: build
	@tests/sandbox.sh --packages "openssh-server oathtool" tests/demo.sh

# All tests and all rules. On a fresh machine half of it is compiling, without what would make the next time quicker.
check: export CARGO_INCREMENTAL = 0
check:
	@tests/prerequisites.sh check
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo clippy --workspace --all-targets --locked -- --deny warnings
	fuzz/cargo.sh clippy -- --deny warnings
	cargo test --locked
	@fuzz/run.sh 2 -seed=1
	RUSTDOCFLAGS="--deny warnings --allow rustdoc::private-intra-doc-links" \
		cargo doc --workspace --no-deps --document-private-items --locked
	@$(MAKE) --no-print-directory programs
	@tests/e2e.sh

# sudo and su ask for a key on USB: in an emulated machine with Debian's kernel, where such a key is a real device
check-usb: build
	@tests/usb.sh

# The packages, built without network and installed, used, upgraded and removed in clean roots of Debian 12 and 13; RPMs;
# what a release is made of
check-packages: vendor
	@tests/prerequisites.sh check-packages
	@tests/packages.sh
	@tests/lintian.sh
	@tests/rpm.sh
	@tests/confinement.sh
	@tests/release.sh

# Every command in the blocks of README.md and docs/ is carried out
check-docs: build deb
	@tests/documents.sh

# Many logins at one moment, a hundred rounds of each race (`make check` runs five)
races: build
	@ROUNDS=100 tests/e2e.sh --file races

# Every system call of a login fails once in every way, and the host is killed at every one (part of `make check`)
faults: build
	@tests/e2e.sh --file faults

# Google's module and ours side by side (part of `make check`); CASES=20000 SEED=7 for more random scenarios than usual
compliance: build
	@tests/e2e.sh --file compliance

# How long a login takes, beside libpam-google-authenticator in the same run
bench: build
	cargo build --locked --package benches
	@tests/sandbox.sh --packages "oathtool libpam-google-authenticator libpam0g-dev valgrind" -- \
		sh -c 'tests/install.sh && "$$PAM_MFA_TARGET/debug/bench"'

# Any input, for SECONDS a target, to everything that reads what others write
SECONDS ?= 60
fuzz:
	@tests/prerequisites.sh fuzz
	@fuzz/run.sh $(SECONDS)
