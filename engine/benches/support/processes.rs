//! CPU time and memory of processes, as Linux tells them.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// CPU time of one process so far, all its threads. Zero when it is gone.
pub fn cpu_of(process: u32) -> Duration {
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else {
        return Duration::ZERO;
    };
    let time_of = |thread: &Path| {
        let text = fs::read_to_string(thread.join("schedstat")).ok()?;
        text.split(' ')
            .next()?
            .parse()
            .ok()
            .map(Duration::from_nanos)
    };
    threads
        .flatten()
        .filter_map(|thread| time_of(&thread.path()))
        .sum()
}

/// Resident memory of a process in MB, if it runs on this machine: now, or the most it ever had.
pub fn resident_mb(process: u32, most: bool) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let name = if most { "VmHWM:" } else { "VmRSS:" };
    let line = status.lines().find(|line| line.starts_with(name))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}

/// A server and its children.
#[derive(Clone, Debug)]
pub struct Family {
    parent: u32,
}

impl Family {
    /// The family of a child.
    pub fn of(child: u32) -> Option<Self> {
        parent_of(child).map(|parent| Self { parent })
    }

    /// CPU time of everyone alive, by process.
    pub fn cpu(&self) -> HashMap<u32, Duration> {
        let Ok(all) = fs::read_dir("/proc") else {
            return HashMap::new();
        };
        all.flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|&process| process == self.parent || parent_of(process) == Some(self.parent))
            .map(|process| (process, cpu_of(process)))
            .collect()
    }

    /// CPU time spent since; what ended meanwhile is not counted.
    pub fn since(&self, before: &HashMap<u32, Duration>) -> Duration {
        let spent = |(process, now): (u32, Duration)| {
            now.saturating_sub(before.get(&process).copied().unwrap_or_default())
        };
        self.cpu().into_iter().map(spent).sum()
    }
}

fn parent_of(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, in parentheses, may hold anything.
    let (_, after) = stat.rsplit_once(')')?;
    after.split_whitespace().nth(1)?.parse().ok()
}
