//! What the browser gets: wasm, glue, styles and public files, in `target/site`.
//!
//! Names under `pkg/` carry their content's hash, so browsers may keep them for ever. A release
//! also holds every file compressed, at the highest level, once. `manifest.json` tells the server
//! the names.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use wasm_bindgen_cli_support::Bindgen;

use crate::{run, say};

const TARGET: &str = "wasm32-unknown-unknown";
const SITE: &str = "target/site";

/// Which of cargo's profiles the wasm is built with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Quick to build.
    Dev,
    /// Small to load.
    Release,
}

impl Profile {
    fn cargo_name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Release => "wasm-release",
        }
    }

    /// Cargo's folder of the profile below its target folder.
    fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => "wasm-release",
        }
    }
}

/// Builds the site beside the old one, then takes its place.
pub fn build(profile: Profile) -> Result<()> {
    let wasm = compile(profile)?;
    let next = PathBuf::from("target/site.next");
    if next.exists() {
        fs::remove_dir_all(&next)?;
    }
    fs::create_dir_all(next.join("pkg"))?;
    let (script, wasm) = bind(&wasm, profile)?;
    let manifest = serde_json::json!({
        "script": write_hashed(&next, "js", script.as_bytes())?,
        "wasm": write_hashed(&next, "wasm", &wasm)?,
        "style": write_hashed(&next, "css", bundle_style()?.as_bytes())?,
    });
    copy_folder(Path::new("public"), &next)?;
    if profile == Profile::Release {
        compress_folder(&next)?;
    }
    fs::write(
        next.join("manifest.json"),
        serde_json::to_vec_pretty(&manifest)?,
    )?;
    if Path::new(SITE).exists() {
        fs::remove_dir_all(SITE)?;
    }
    fs::rename(&next, SITE)?;
    say(&format!("the site is in {SITE}"));
    Ok(())
}

/// Compiles `frontend` in a target folder of its own: the server's build never invalidates it.
fn compile(profile: Profile) -> Result<PathBuf> {
    ensure_target()?;
    say("compiling the islands to wasm");
    run(Command::new("cargo")
        .args([
            "build",
            "--package",
            "frontend",
            "--lib",
            "--target",
            TARGET,
        ])
        .args([
            "--target-dir",
            "target/wasm",
            "--profile",
            profile.cargo_name(),
        ]))?;
    Ok(["target/wasm", TARGET, profile.folder(), "frontend.wasm"]
        .iter()
        .collect())
}

/// Installs the compiler's standard library for wasm, if it is missing.
pub fn ensure_target() -> Result<()> {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .context("asking rustc for its libraries")?;
    if Path::new(String::from_utf8(output.stdout)?.trim()).is_dir() {
        return Ok(());
    }
    say("installing the compiler's wasm target");
    run(Command::new("rustup").args(["target", "add", TARGET]))
}

/// The glue and the wasm it loads. The page names the wasm, so the glue holds no path.
fn bind(wasm: &Path, profile: Profile) -> Result<(String, Vec<u8>)> {
    let mut output = Bindgen::new()
        .input_path(wasm)
        .out_name("baton")
        .web(true)?
        .typescript(false)
        .omit_default_module_path(true)
        .remove_name_section(profile == Profile::Release)
        .remove_producers_section(true)
        .generate_output()?;
    ensure!(
        output.snippets().values().all(Vec::is_empty) && output.local_modules().is_empty(),
        "a dependency brings script files of its own, which nothing here would serve"
    );
    Ok((output.js().to_owned(), output.wasm_mut().emit_wasm()))
}

/// `style/main.css` with every sheet it imports in its place.
fn bundle_style() -> Result<String> {
    let main = fs::read_to_string("style/main.css")?;
    let mut bundle = String::new();
    for line in main.lines() {
        match line
            .strip_prefix("@import \"./")
            .and_then(|rest| rest.strip_suffix("\";"))
        {
            Some(sheet) => {
                let path = Path::new("style").join(sheet);
                bundle += &fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            }
            None => bundle += line,
        }
        bundle.push('\n');
    }
    Ok(bundle)
}

/// Writes `pkg/baton.<hash>.<extension>` and returns its path in the site.
fn write_hashed(site: &Path, extension: &str, content: &[u8]) -> Result<String> {
    let digest = Sha256::digest(content);
    let hash = digest
        .iter()
        .take(8)
        .fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"));
    let path = format!("pkg/baton.{hash}.{extension}");
    fs::write(site.join(&path), content)?;
    Ok(format!("/{path}"))
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Puts `<file>.br` and `<file>.gz` beside every file.
fn compress_folder(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            compress_folder(&path)?;
        } else {
            compress(&path)?;
        }
    }
    Ok(())
}

fn compress(path: &Path) -> Result<()> {
    let content = fs::read(path)?;
    let mut brotli = Vec::new();
    brotli::BrotliCompress(
        &mut content.as_slice(),
        &mut brotli,
        &brotli::enc::BrotliEncoderParams::default(),
    )?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&content)?;
    let gzip = gzip.finish()?;
    say(&format!(
        "{}: {} bytes, {} as brotli, {} as gzip",
        path.display(),
        content.len(),
        brotli.len(),
        gzip.len()
    ));
    fs::write(with_suffix(path, ".br"), brotli)?;
    fs::write(with_suffix(path, ".gz"), gzip)?;
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
