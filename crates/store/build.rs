//! Tells cargo that the migrations are compiled into this crate.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
