//! Licences, bans, sources, and dependencies nobody uses.
//!
//! Reads `deny.toml` as cargo-deny does. That tool and cargo-machete take longer to install than
//! everything here takes to build, and `make test` must need neither.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use spdx::{Expression, ParseMode};

use crate::say;

#[derive(Deserialize)]
struct Policy {
    licenses: Licenses,
    bans: Bans,
    sources: Sources,
}

#[derive(Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    /// One version is fine, two are not.
    #[serde(default)]
    deny_multiple_versions: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: BTreeSet<String>,
}

/// What `cargo metadata` tells.
#[derive(Deserialize)]
struct Graph {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    /// `None` for the workspace's own.
    source: Option<String>,
    manifest_path: String,
    dependencies: Vec<Dependency>,
    metadata: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    rename: Option<String>,
}

/// Fails with every finding.
pub fn check() -> Result<()> {
    let policy: Policy = toml::from_str(&fs::read_to_string("deny.toml")?).context("deny.toml")?;
    let graph = graph()?;
    let mut findings = Vec::new();
    for package in &graph.packages {
        findings.extend(license_finding(package, &policy.licenses));
        findings.extend(source_finding(package, &policy.sources));
        if package.source.is_none() {
            findings.extend(unused(package)?);
        }
    }
    findings.extend(ban_findings(&graph.packages, &policy.bans));
    for finding in &findings {
        say(finding);
    }
    ensure!(
        findings.is_empty(),
        "{} findings about dependencies",
        findings.len()
    );
    say(&format!(
        "licences, bans, sources and use of {} packages are fine",
        graph.packages.len()
    ));
    Ok(())
}

fn graph() -> Result<Graph> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--locked"])
        .output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn license_finding(package: &Package, licenses: &Licenses) -> Option<String> {
    let Some(stated) = &package.license else {
        return Some(format!(
            "{} {} states no licence",
            package.name, package.version
        ));
    };
    let allowed = Expression::parse_mode(stated, ParseMode::LAX).is_ok_and(|expression| {
        expression.evaluate(|choice| licenses.allow.contains(&choice.to_string()))
    });
    (!allowed).then(|| format!("{} {}: licence {stated}", package.name, package.version))
}

fn source_finding(package: &Package, sources: &Sources) -> Option<String> {
    let source = package.source.as_deref()?;
    let registry = source.strip_prefix("registry+").unwrap_or(source);
    (!sources.allow_registry.contains(registry))
        .then(|| format!("{} {}: from {source}", package.name, package.version))
}

fn ban_findings(packages: &[Package], bans: &Bans) -> Vec<String> {
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in packages {
        versions
            .entry(&package.name)
            .or_default()
            .insert(&package.version);
    }
    let most = |ban: &Ban| usize::from(ban.deny_multiple_versions);
    bans.deny
        .iter()
        .filter_map(|ban| Some((ban, versions.get(ban.name.as_str())?)))
        .filter(|(ban, found)| found.len() > most(ban))
        .map(|(ban, found)| format!("{} is banned in these versions: {found:?}", ban.name))
        .collect()
}

/// Dependencies that no source file of the package names. Those needed for their features alone
/// are listed where cargo-machete looks too: `[package.metadata.cargo-machete] ignored = […]`.
fn unused(package: &Package) -> Result<Vec<String>> {
    let manifest = Path::new(&package.manifest_path);
    let folder = manifest.parent().context("a manifest has a folder")?;
    let mut code = String::new();
    read_sources(folder, &mut code)?;
    let words: BTreeSet<&str> = code
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .collect();
    let ignored = package
        .metadata
        .as_ref()
        .map(|all| &all["cargo-machete"]["ignored"]);
    let is_ignored = |name: &str| {
        let mut list = ignored
            .and_then(|list| list.as_array())
            .into_iter()
            .flatten();
        list.any(|entry| entry.as_str() == Some(name))
    };
    let names = package
        .dependencies
        .iter()
        .map(|dep| dep.rename.as_deref().unwrap_or(&dep.name));
    Ok(names
        .filter(|name| !words.contains(name.replace('-', "_").as_str()) && !is_ignored(name))
        .map(|name| format!("{} does not use {name}", package.name))
        .collect())
}

fn read_sources(folder: &Path, code: &mut String) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read_sources(&path, code)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            code.push_str(&fs::read_to_string(path)?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str, license: &str) -> Package {
        Package {
            name: name.into(),
            version: version.into(),
            license: Some(license.into()),
            source: Some("registry+https://example.org/index".into()),
            manifest_path: "Cargo.toml".into(),
            dependencies: Vec::new(),
            metadata: None,
        }
    }

    #[test]
    fn one_allowed_licence_of_a_choice_is_enough_and_one_of_a_sum_is_not() {
        let licenses = Licenses {
            allow: BTreeSet::from(["MIT".into()]),
        };
        let finding = |license| license_finding(&package("a", "1.0.0", license), &licenses);
        assert_eq!(finding("GPL-3.0-only OR MIT"), None);
        assert_eq!(finding("MIT/GPL-3.0"), None);
        assert!(finding("GPL-3.0-only AND MIT").is_some());
        assert!(finding("whatever").is_some());
    }

    #[test]
    fn a_second_version_is_found_where_one_is_allowed() {
        let ban = |name: &str, deny_multiple_versions| Ban {
            name: name.into(),
            deny_multiple_versions,
        };
        let bans = Bans {
            deny: vec![ban("never", false), ban("once", true), ban("twice", true)],
        };
        let versions = [
            ("once", "1.0.0"),
            ("twice", "1.0.0"),
            ("twice", "2.0.0"),
            ("never", "1.0.0"),
        ];
        let packages = versions.map(|(name, version)| package(name, version, "MIT"));
        let findings = ban_findings(&packages, &bans);
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings[0].starts_with("never ") && findings[1].starts_with("twice "));
    }

    #[test]
    fn only_the_named_registry_is_a_source() {
        let allow = |registry: &str| Sources {
            allow_registry: BTreeSet::from([registry.into()]),
        };
        let package = package("a", "1.0.0", "MIT");
        assert_eq!(
            source_finding(&package, &allow("https://example.org/index")),
            None
        );
        assert!(source_finding(&package, &allow("https://example.com/index")).is_some());
    }
}
