//! How much memory the server may keep pages in.

use std::fs;
use std::ops::RangeInclusive;

/// From Postgres' own default up; what is kept about the buffers themselves grows with them.
const BUFFERS_MB: RangeInclusive<u64> = 128..=4_096;

/// A quarter of the memory there is, as the manual of PostgreSQL advises for `shared_buffers`.
pub(crate) fn for_buffers_mb() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo");
    // What a container is bound to.
    let bound = fs::read_to_string("/sys/fs/cgroup/memory.max");
    quarter(machine.as_deref().ok(), bound.as_deref().ok())
}

/// Where neither is told, as outside of Linux, the least.
fn quarter(machine: Option<&str>, bound: Option<&str>) -> u64 {
    let machine_kb = machine.and_then(|text| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("MemTotal:"))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    });
    let bound_b = bound.and_then(|text| text.trim().parse::<u64>().ok());
    let known_mb = [
        machine_kb.map(|kb| kb >> 10),
        bound_b.map(|bytes| bytes >> 20),
    ];
    let least = known_mb.into_iter().flatten().min().unwrap_or_default();
    (least / 4).clamp(*BUFFERS_MB.start(), *BUFFERS_MB.end())
}

#[cfg(test)]
mod tests {
    use super::quarter;

    #[test]
    fn buffers_are_a_quarter_of_what_the_machine_has_and_the_container_may_use() {
        let machine = "MemTotal:       16384000 kB\nMemFree:         1000 kB\n";
        assert_eq!(quarter(Some(machine), None), 4_000);
        assert_eq!(quarter(Some(machine), Some("max\n")), 4_000);
        assert_eq!(quarter(Some(machine), Some("2147483648\n")), 512);
        assert_eq!(quarter(Some("MemTotal: 65536000 kB"), None), 4_096);
        assert_eq!(quarter(Some("MemTotal: 262144 kB"), None), 128);
        assert_eq!(quarter(None, None), 128);
    }
}
