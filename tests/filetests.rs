//! Every file below `tests/filetests` is one test. `docs/testing.md` says what is in them.

use libtest_mimic::{Arguments, Failed, Trial};
use palmetto_testkit::filetest::{find_filetests, run_filetest};
use std::{
    io,
    path::{Path, PathBuf},
    process::ExitCode,
};

fn main() -> io::Result<ExitCode> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/filetests");
    #[expect(clippy::disallowed_methods, reason = "the same switch as that of `expect-test`")]
    let update = std::env::var("UPDATE_EXPECT").is_ok();
    let trial = |path: PathBuf| {
        let name = path.strip_prefix(&folder).unwrap_or(&path).display().to_string();
        Trial::test(name, move || run_filetest(&path, update).map_err(Failed::from))
    };
    let trials = find_filetests(&folder)?.into_iter().map(trial).collect();
    Ok(libtest_mimic::run(&Arguments::from_args(), trials).exit_code())
}
