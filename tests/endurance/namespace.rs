//! A network of its own, in which nothing but this program talks.

use std::{
    env, fs,
    process::{Command, Stdio},
};

const INSIDE: &str = "PORTCULLIS_NAMESPACE";

/// A port that was used stays taken for a minute, as it does between machines. With few ports it shows within seconds.
const SCRIPT: &str = r#"
ip link set lo up
echo 0 >/proc/sys/net/ipv4/tcp_tw_reuse
[ -z "$PORTCULLIS_PORTS" ] || echo "$PORTCULLIS_PORTS" >/proc/sys/net/ipv4/ip_local_port_range
exec "$0" "$@"
"#;

/// Makes this run in one of its own. Whether it did not fail.
pub fn run_inside(name: &str, is_long: bool) -> bool {
    let unshare = |with: &[&str]| {
        let mut command = Command::new("unshare");
        command.arg("--net").args(with).arg("--");
        command
    };
    let is_allowed = unshare(&[]).arg("true").stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    let mut command = unshare(if is_allowed { &[] } else { &["--map-root-user"] });
    command.args(["sh", "-euc", SCRIPT]).arg(env::current_exe().unwrap_or_default()).arg(name);
    command.args(is_long.then_some("--long")).env(INSIDE, "1");
    command.env("PORTCULLIS_PORTS", if is_long && name != "ports" { "" } else { "40000 41499" });
    let status = command.status().inspect_err(|error| println!("{name}: FAILED: `unshare`: {error}"));
    status.is_ok_and(|status| status.success())
}

/// Whether this is the program in it: there is no device but loopback.
pub fn is_inside() -> bool {
    let devices = || fs::read_to_string("/proc/net/dev").unwrap_or_default();
    env::var_os(INSIDE).is_some() && devices().lines().skip(2).all(|line| line.trim_start().starts_with("lo:"))
}
