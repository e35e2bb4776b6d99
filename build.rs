//! Compiles the proto, with no `protoc`, once for each side of the wire.
//!
//! `client/` has plain types and the client. `wire/` has the server, with
//! payloads and profiles left as the bytes they came in. `plain/` has the
//! server as tonic makes it of the client's types, for `benches/compare` alone.
//! The descriptors, with their comments, are for reflection and JSON.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use protox::Compiler;
use tonic_prost_build::{Builder, configure};

const PROTO: &str = "fanfare/v1/realtime.proto";

/// Messages that the server passes on without parsing them.
const RAW: [&str; 2] = [".fanfare.v1.Payload", ".google.protobuf.Struct"];

fn main() -> Result<(), Box<dyn Error>> {
    watch("proto");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut compiler = Compiler::new(["proto"])?;
    compiler
        .include_imports(true)
        .include_source_info(true)
        .open_file(PROTO)?;

    generate(client(), &out.join("client"), &compiler)?;
    generate(wire(), &out.join("wire"), &compiler)?;
    generate(plain(), &out.join("plain"), &compiler)?;
    fs::write(
        out.join("fanfare.v1.bin"),
        compiler.encode_file_descriptor_set(),
    )?;
    Ok(())
}

fn watch(path: &str) {
    println!("cargo::rerun-if-changed={path}");
}

fn client() -> Builder {
    configure().build_server(false)
}

fn wire() -> Builder {
    RAW.iter()
        .fold(configure(), |builder, message| {
            builder.extern_path(*message, "crate::rpc::raw::Raw")
        })
        .build_client(false)
        .codec_path("crate::rpc::codec::Codec")
}

fn plain() -> Builder {
    configure()
        .extern_path(".fanfare.v1", "::fanfare::rpc::client")
        .generate_default_stubs(true)
        .build_client(false)
}

fn generate(builder: Builder, dir: &Path, compiler: &Compiler) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(dir)?;
    builder
        .btree_map(".")
        .bytes(".")
        .out_dir(dir)
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
