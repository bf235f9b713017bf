//! Counts the instructions of one call by single-stepping it: exact, the same in every run, and including what emulators
//! do not know, such as the processor's SHA instructions. Only on Linux on x86-64.

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
pub(crate) use absent::{count, region};
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub(crate) use stepping::{count, region};

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
mod absent {
    use crate::case::Operation;

    pub(crate) fn count(_arguments: &[&str]) -> Option<u64> {
        None
    }

    pub(crate) fn region(operation: &mut Operation) {
        operation.call();
    }
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod stepping {
    use crate::case::Operation;
    use libc::{c_int, c_long, c_uint, pid_t, user_regs_struct};
    use std::{
        arch::asm,
        env, fs, io,
        mem::offset_of,
        ops::Range,
        os::unix::process::CommandExt,
        process::{Command, Stdio},
        ptr,
    };

    /// The C library copies and compares with what the processor has. Without this, processors of different years count alike.
    const LIKE_OTHERS: &str = "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-ERMS,-FSRM";

    /// Runs this program again with these arguments, which have to lead to [`region`], and counts what happens there. `None`
    /// where one process may not trace another.
    pub(crate) fn count(arguments: &[&str]) -> Option<u64> {
        let mut command = Command::new(env::current_exe().ok()?);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
        command.env_clear().env("GLIBC_TUNABLES", LIKE_OTHERS);
        // SAFETY: `prepare` makes nothing but system calls.
        unsafe { command.pre_exec(prepare) };
        let mut child = command.spawn().ok()?;
        let counted = step_through(pid_t::try_from(child.id()).ok()?);
        child.kill().ok()?;
        child.wait().ok()?;
        counted
    }

    /// Calls the operation between two marks: a breakpoint, at which `rax` holds the address of the second mark.
    ///
    /// Its stack begins with a page, wherever the program was started: there are copies that need more at some places.
    pub(crate) fn region(operation: &mut Operation) {
        extern "C" fn call(operation: &mut Operation) {
            operation.call();
        }
        // SAFETY: a call as C has it; nobody else uses the operation meanwhile.
        unsafe {
            asm!(
                "mov r12, rsp",
                "and rsp, -4096",
                "lea rax, [rip + 2f]",
                "int3",
                "call {call}",
                "2: mov rsp, r12",
                call = sym call,
                inout("rdi") ptr::from_mut(operation) => _,
                out("r12") _,
                clobber_abi("C"),
            );
        }
    }

    /// What the child does before it becomes this program anew.
    fn prepare() -> io::Result<()> {
        // SAFETY: without random addresses every run takes the same path; nothing depends on them.
        unsafe { libc::personality(libc::ADDR_NO_RANDOMIZE as libc::c_ulong) };
        ptrace(libc::PTRACE_TRACEME, 0, 0).map(drop)
    }

    fn step_through(child: pid_t) -> Option<u64> {
        // It stops once because it has become another program, and then at the breakpoint.
        trapped(child)?;
        ptrace(libc::PTRACE_CONT, child, 0).ok()?;
        trapped(child)?;
        let clock = clock(child)?;
        let end = register(child, offset_of!(user_regs_struct, rax))?;
        let mut at = register(child, offset_of!(user_regs_struct, rip))?;
        let mut counted = 0;
        while at != end {
            ptrace(libc::PTRACE_SINGLESTEP, child, 0).ok()?;
            trapped(child)?;
            let next = register(child, offset_of!(user_regs_struct, rip))?;
            // A repeated string instruction traps once a repetition, and is one.
            counted += u64::from(next != at && !clock.contains(&at));
            at = next;
        }
        Some(counted)
    }

    /// Where the kernel put the code that reads its clock (vDSO). It begins anew when the clock ticks meanwhile, which slow
    /// steps make likely, so it is not counted.
    fn clock(child: pid_t) -> Option<Range<c_long>> {
        let maps = fs::read_to_string(format!("/proc/{child}/maps")).ok()?;
        let (start, end) = maps.lines().find(|line| line.ends_with("[vdso]"))?.split_once(' ')?.0.split_once('-')?;
        Some(c_long::from_str_radix(start, 16).ok()?..c_long::from_str_radix(end, 16).ok()?)
    }

    fn register(child: pid_t, offset: usize) -> Option<c_long> {
        ptrace(libc::PTRACE_PEEKUSER, child, offset).ok()
    }

    fn trapped(child: pid_t) -> Option<()> {
        let mut status: c_int = 0;
        // SAFETY: the pointer is to a live integer.
        let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
        (waited == child && libc::WIFSTOPPED(status) && libc::WSTOPSIG(status) == libc::SIGTRAP).then_some(())
    }

    fn ptrace(request: c_uint, child: pid_t, address: usize) -> io::Result<c_long> {
        // SAFETY: of the requests made here none writes to this process.
        let answer = unsafe { libc::ptrace(request, child, address, 0_usize) };
        // A register could hold -1 as well; the ones that are read here hold addresses.
        if answer == -1 { Err(io::Error::last_os_error()) } else { Ok(answer) }
    }
}
