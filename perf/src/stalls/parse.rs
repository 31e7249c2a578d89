//! What the kernel says of threads and cores, as text. Whatever is missing, cut off or not a number is not known: other
//! kernels say less, and containers hide some of it.

/// `/proc/…/schedstat` of a thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sched {
    /// On a core. Brought up to date where the thread leaves it.
    pub(crate) ran_ns: u64,
    /// Ready to run, and another thread had the core.
    pub(crate) waited_ns: u64,
    /// How often it was given a core.
    pub(crate) turns: u64,
}

/// `1234567 89 10`. A kernel that does not count says zeros: for a thread that runs, that is not known.
pub(crate) fn sched(text: &str) -> Option<Sched> {
    let mut numbers = text.split_whitespace().map(str::parse::<u64>);
    let mut next = || numbers.next()?.ok();
    let sched = Sched { ran_ns: next()?, waited_ns: next()?, turns: next()? };
    (sched != Sched::default()).then_some(sched)
}

/// `/proc/…/stat` of a thread: proc(5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ThreadStat {
    pub(crate) name: String,
    pub(crate) is_kernel: bool,
    /// It ran here last.
    pub(crate) core: usize,
}

/// A flag of threads of the kernel's own: `PF_KTHREAD`.
const KERNEL_THREAD: u64 = 0x0020_0000;
/// Fields behind the name, counted from 0.
const FLAGS: usize = 6;
const CORE: usize = 36;

/// The name may hold anything, brackets and spaces too: it ends at the last bracket.
pub(crate) fn stat(text: &str) -> Option<ThreadStat> {
    let (_, named) = text.split_once('(')?;
    let (name, behind) = named.rsplit_once(')')?;
    let fields: Vec<&str> = behind.split_whitespace().collect();
    let flags: u64 = fields.get(FLAGS)?.parse().ok()?;
    Some(ThreadStat {
        name: name.to_owned(),
        is_kernel: flags & KERNEL_THREAD != 0,
        core: fields.get(CORE)?.parse().ok()?,
    })
}

/// Of one core in `/proc/stat`, in ticks of the system: what the host took.
pub(crate) fn stolen_ticks(text: &str, core: usize) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("cpu{core} ")))?;
    // user nice system idle iowait irq softirq steal
    line.split_whitespace().nth(7)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_s_times_are_read_or_not_known() {
        let known = Sched { ran_ns: 1_043_246, waited_ns: 2_093_347, turns: 13 };
        assert_eq!(sched("1043246 2093347 13\n"), Some(known));
        // A later kernel may say more.
        assert_eq!(sched("1043246 2093347 13 99\n"), Some(known));
        for text in ["", "\n", "12", "12 13", "12 x 3", "-1 2 3", "1 2 99999999999999999999", "0 0 0\n"] {
            assert_eq!(sched(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_thread_s_name_may_look_like_anything() {
        let behind = "S 2 0 0 0 -1 69238880 0 0 0 0 0 82 0 0 0 -20 1 0 19 0 0 18446744073709551615 0 0 0 0 0 0 0 2147483647 0 0 0 0 17 1 0 0 0 0 0 0 0";
        let read = |name: &str| stat(&format!("21 ({name}) {behind}"));
        for name in ["kworker/1:0H-kblockd", "a) S 1 (b", "", " ", "(((", ")))"] {
            let is_kernel = true;
            assert_eq!(
                read(name),
                Some(ThreadStat { name: name.to_owned(), is_kernel, core: 1 }),
                "{name:?}"
            );
        }
        let ours = format!("21 (perf) {}", behind.replace("69238880", "4194304"));
        assert!(!stat(&ours).unwrap().is_kernel);
    }

    #[test]
    fn a_stat_that_is_cut_off_or_malformed_is_not_known() {
        let whole = "21 (perf) S 2 0 0 0 -1 4194304 0 0 0 0 0 82 0 0 0 -20 1 0 19 0 0 1 0 0 0 0 0 0 0 2147483647 0 0 0 0 17 1";
        assert_eq!(stat(whole).unwrap().core, 1);
        for end in (0..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
            assert_eq!(stat(&whole[..end]), None, "{}", &whole[..end]);
        }
        assert_eq!(stat(&whole.replace("4194304", "x")), None);
        assert_eq!(stat(&format!("{whole}x")), None);
    }

    #[test]
    fn what_the_host_took_of_a_core() {
        let text =
            "cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 2 3 4 5 6 7 80 9 10\ncpu1 1 2 3\ncpu10 0 0 0 0 0 0 0 7 0 0\n";
        assert_eq!(stolen_ticks(text, 0), Some(80));
        // A kernel from before there was such a thing.
        assert_eq!(stolen_ticks(text, 1), None);
        assert_eq!(stolen_ticks(text, 10), Some(7));
        assert_eq!((stolen_ticks(text, 2), stolen_ticks("", 0)), (None, None));
    }
}
