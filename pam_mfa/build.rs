//! Link options of the module alone; docs/decisions.md says why each is there.

fn main() {
    let root = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    println!("cargo::rustc-cdylib-link-arg=-L{root}/../packaging/link");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    // Cargo strips nothing of a package whose profile is its own.
    println!("cargo::rustc-cdylib-link-arg=-Wl,--strip-all");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../packaging/link/libgcc_s.so");
}
