//! What a process has used, as the kernel counts it.
//!
//! Only where there is `/proc`: elsewhere a load runs, but measures no process.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Nanoseconds of the unit in which Linux tells a process's CPU time, on every
/// system that it runs on today.
const TICK: u64 = 10_000_000;

/// A process to be measured.
#[derive(Clone, Debug)]
pub(super) struct Process {
    folder: PathBuf,
}

/// What it has used since it began, and holds now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Usage {
    /// Nanoseconds of CPU time of the threads that live, to the nanosecond.
    living: u64,
    /// Nanoseconds of CPU time of all threads there ever were, in ticks.
    ever: u64,
    /// Bytes of memory that are resident.
    pub(super) resident: u64,
}

impl Usage {
    /// Nanoseconds of CPU time since `earlier`, the process's own and the
    /// kernel's for it.
    ///
    /// Exact, unless a thread ended in between and took its time with it: that
    /// shows in the ticks, of which two are lost in rounding.
    pub(super) fn cpu_since(&self, earlier: &Self) -> u64 {
        let exact = self.living.saturating_sub(earlier.living);
        let coarse = self.ever.saturating_sub(earlier.ever);
        if coarse > exact + 2 * TICK {
            coarse
        } else {
            exact
        }
    }
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
        let used = ever(&stat).zip(resident(&status));
        let (ever, resident) = used.ok_or("cannot measure the process: it is ending")?;
        let living = living(&self.folder.join("task"));
        Ok(Usage {
            living,
            ever,
            resident,
        })
    }
}

/// Nanoseconds of CPU time of each thread, summed: the first word of its
/// `schedstat`. 0 where the kernel does not tell.
fn living(threads: &Path) -> u64 {
    let threads = fs::read_dir(threads).into_iter().flatten().flatten();
    // A thread that ends meanwhile has no file any more.
    let used = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    used.sum()
}

/// User and system time: the 14th and the 15th word, the second of which is
/// the name in parentheses, with any bytes.
fn ever(stat: &str) -> Option<u64> {
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
        assert_eq!(ever(stat), Some(3_000_000_000));
        assert_eq!(resident("Name:\tx\nVmRSS:\t    2048 kB\n"), Some(2 << 20));
    }

    #[test]
    fn a_thread_that_ends_does_not_take_its_time_along() {
        let usage = |living, ticks: u64| Usage {
            living,
            ever: ticks * TICK,
            resident: 0,
        };
        let begin = usage(70_000_000, 7);
        let cases = [
            (usage(71_234_567, 7), 1_234_567),
            (usage(71_234_567, 9), 1_234_567),
            (usage(71_234_567, 17), 100_000_000),
            (usage(0, 17), 100_000_000),
        ];
        for (end, used) in cases {
            assert_eq!(end.cpu_since(&begin), used, "{end:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_is_not_there_is_refused() {
        let error = Process::of(u32::MAX).unwrap_err();
        assert_eq!(error, "--pid 4294967295: there is no such process");
        let usage = Process::this().usage().unwrap();
        assert!(usage.resident > 0);
        let is_told = Path::new("/proc/self/schedstat").exists();
        assert_eq!(usage.living > 0, is_told);
    }
}
