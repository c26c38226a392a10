//! A new migration file must make the embedded set new.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}
