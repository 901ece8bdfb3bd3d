//! The files of the repository.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Folders that hold no files of ours.
const FOREIGN: [&str; 4] = ["target", ".git", ".venv", "__pycache__"];

/// The folder of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of a file.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file below `folder` whose name ends in one of `extensions`, relative to the root and with
/// `/` between folders, sorted. All files if there are no extensions.
pub(crate) fn files(folder: &str, extensions: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
        for entry in entries {
            let path = entry.expect("an entry of a folder").path();
            if path.is_dir() {
                folders.extend((!is_foreign(&path)).then_some(path));
            } else if extensions.is_empty()
                || extension(&path).is_some_and(|e| extensions.contains(&e))
            {
                found.push(relative(path));
            }
        }
    }
    found.sort();
    found
}

fn is_foreign(folder: &Path) -> bool {
    let name = folder.file_name().and_then(|name| name.to_str());
    name.is_none_or(|name| FOREIGN.contains(&name)) || folder.join("pyvenv.cfg").exists()
}

fn extension(path: &Path) -> Option<&str> {
    path.extension().and_then(|extension| extension.to_str())
}

fn relative(path: PathBuf) -> String {
    let path = path.strip_prefix(root()).expect("the file is below the root");
    let parts = path.iter().map(|part| part.to_str().expect("names of files are UTF-8"));
    parts.collect::<Vec<_>>().join("/")
}

/// Fails if there are `findings`, and says all of them.
#[track_caller]
pub(crate) fn none(findings: &[String]) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}
