//! What a process has used, as the kernel counts it.
//!
//! Only where there is `/proc`: elsewhere a load runs, but measures no process.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Nanoseconds of the unit in which Linux tells CPU time, on every system that
/// it runs on today. So a second of CPU time is known to 1 %.
const TICK: u64 = 10_000_000;

/// A process to be measured.
#[derive(Clone, Debug)]
pub(super) struct Process {
    folder: PathBuf,
}

/// What it has used since it began, and holds now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Usage {
    /// Nanoseconds of CPU time, its own and the kernel's for it.
    pub(super) cpu: u64,
    /// Bytes of memory that are resident.
    pub(super) resident: u64,
}

impl Process {
    /// The process of this id.
    ///
    /// # Errors
    ///
    /// There is none, or the system has no `/proc`.
    pub(super) fn of(pid: u32) -> Result<Self, String> {
        if !Path::new("/proc/self/stat").exists() {
            return Err("--pid needs /proc, which this system does not have".to_owned());
        }
        let folder = PathBuf::from(format!("/proc/{pid}"));
        if folder.exists() {
            Ok(Self { folder })
        } else {
            Err(format!("--pid {pid}: there is no such process"))
        }
    }

    /// The load itself.
    pub(super) fn this() -> Self {
        Self {
            folder: PathBuf::from("/proc/self"),
        }
    }

    /// # Errors
    ///
    /// The process is gone, or this system does not tell.
    pub(super) fn usage(&self) -> Result<Usage, String> {
        let read = |name| {
            fs::read_to_string(self.folder.join(name)).map_err(|error| match error.kind() {
                ErrorKind::NotFound => "the measured process is gone".to_owned(),
                _ => format!("cannot measure the process: {error}"),
            })
        };
        let (stat, status) = (read("stat")?, read("status")?);
        let used = cpu(&stat).zip(resident(&status));
        let (cpu, resident) = used.ok_or("cannot measure the process: it is ending")?;
        Ok(Usage { cpu, resident })
    }
}

/// User and system time: the 14th and the 15th word, the second of which is
/// the name in parentheses, with any bytes.
fn cpu(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut times = rest.split_whitespace().skip(11);
    let user: u64 = times.next()?.parse().ok()?;
    let system: u64 = times.next()?.parse().ok()?;
    Some((user + system) * TICK)
}

fn resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_blanks_moves_no_word() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 2 0 0 0 250 50 0 0 20 0";
        assert_eq!(cpu(stat), Some(3_000_000_000));
        assert_eq!(resident("Name:\tx\nVmRSS:\t    2048 kB\n"), Some(2 << 20));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_is_not_there_is_refused() {
        let error = Process::of(u32::MAX).unwrap_err();
        assert_eq!(error, "--pid 4294967295: there is no such process");
        assert!(Process::this().usage().unwrap().resident > 0);
    }
}
