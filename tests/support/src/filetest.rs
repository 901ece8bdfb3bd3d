//! Filetests: one file is one test, text in and text out.
//!
//! Line 1 is `// test COMMAND ARGUMENTS`. The input follows, then a line `// ----`, then the
//! expected output with `// ` before each line, so that the whole file is legal input. The command
//! gets the input with line 1, so the lines that it names in messages are those of the file.

use crate::{arguments::Arguments, command::COMMANDS};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// What is between input and expected output.
pub const SEPARATOR: &str = "// ----";

/// A filetest, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileTest {
    /// The name of the command.
    pub command: String,
    /// The arguments of the command.
    pub arguments: Arguments,
    /// The input, line 1 included.
    pub input: String,
    /// The expected output, without the comment marks; `None` if the file has none.
    pub expected: Option<String>,
}

/// Takes the text of a filetest apart.
///
/// # Errors
/// If it is no filetest.
pub fn parse_filetest(text: &str) -> Result<FileTest, String> {
    let first = text.lines().next().unwrap_or_default();
    let Some(header) = first.strip_prefix("// test ") else {
        return Err(format!("line 1 is `{first}`, expected `// test COMMAND ARGUMENTS`"));
    };
    let (command, arguments) = header.split_once(' ').unwrap_or((header, ""));
    let (mut input, mut expected) = (String::new(), None::<String>);
    for (index, line) in text.lines().enumerate() {
        if let Some(expected) = &mut expected {
            let Some(line) = line.strip_prefix("// ").or((line == "//").then_some("")) else {
                return Err(format!("line {}: expected output begins with `// `", index + 1));
            };
            expected.push_str(line);
            expected.push('\n');
        } else if line == SEPARATOR {
            expected = Some(String::new());
        } else {
            input.push_str(line);
            input.push('\n');
        }
    }
    let arguments = Arguments::new(arguments);
    Ok(FileTest { command: command.to_owned(), arguments, input, expected })
}

/// Every file below `folder`, sorted.
///
/// # Errors
/// If the folder cannot be read.
pub fn find_filetests(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    Ok(files)
}

/// Runs the test in the file at `path`. With `update`, writes the output into the file instead of
/// comparing it.
///
/// # Errors
/// If the output is not as expected, or the test cannot be run: what to look at.
pub fn run_filetest(path: &Path, update: bool) -> Result<(), String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let test = parse_filetest(&text)?;
    let output = run_command(&test)?;
    if test.expected.as_ref() == Some(&output) {
        return Ok(());
    }
    if update {
        let text = format!("{}{}", test.input, expectation(&output));
        return fs::write(path, text).map_err(|error| error.to_string());
    }
    Err(match &test.expected {
        None => format!(
            "the test expects nothing; UPDATE_EXPECT=1 would write\n{}",
            expectation(&output)
        ),
        Some(expected) => difference(expected, &output),
    })
}

/// The output of the test's command.
fn run_command(test: &FileTest) -> Result<String, String> {
    let Some(command) = COMMANDS.iter().find(|command| command.name == test.command) else {
        let names: Vec<_> = COMMANDS.iter().map(|command| command.name).collect();
        return Err(format!("no command `{}`, there are: {}", test.command, names.join(", ")));
    };
    let mut output = (command.run)(&test.input, test.arguments.clone())?;
    if !output.ends_with('\n') {
        output.push('\n');
    }
    if let Some(line) = output.lines().find(|line| line.ends_with(char::is_whitespace)) {
        return Err(format!("the output has a blank at the end of the line `{line}`"));
    }
    Ok(output)
}

/// The end of a file that expects `output`.
fn expectation(output: &str) -> String {
    let mut text = format!("{SEPARATOR}\n");
    for line in output.lines() {
        text.push_str(if line.is_empty() { "//" } else { "// " });
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// Says where `output` leaves `expected`, and gives all of it.
fn difference(expected: &str, output: &str) -> String {
    let (mut expected_lines, mut output_lines) = (expected.lines(), output.lines());
    let mut number = 0;
    let (expected_line, output_line) = loop {
        number += 1;
        match (expected_lines.next(), output_lines.next()) {
            (a, b) if a == b && a.is_some() => {}
            (a, b) => break (a.unwrap_or("(the end)"), b.unwrap_or("(the end)")),
        }
    };
    format!(
        "line {number} of the output differs\n  \
         expected: {expected_line}\n  found:    {output_line}\n\
         the whole output (UPDATE_EXPECT=1 accepts it):\n{output}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let text = format!("// test asm chip=v4\nhalt\n{}", expectation("a\n\nb\n"));
        assert_eq!(text, "// test asm chip=v4\nhalt\n// ----\n// a\n//\n// b\n");
        let test = parse_filetest(&text).expect("a filetest");
        assert_eq!((test.command.as_str(), test.arguments), ("asm", Arguments::new("chip=v4")));
        assert_eq!(test.input, "// test asm chip=v4\nhalt\n");
        assert_eq!(test.expected.as_deref(), Some("a\n\nb\n"));
    }

    #[test]
    fn what_is_no_test_is_said() {
        let error = |text| parse_filetest(text).expect_err("no filetest");
        assert_eq!(error("halt\n"), "line 1 is `halt`, expected `// test COMMAND ARGUMENTS`");
        let text = "// test asm\n// ----\nhalt\n";
        assert_eq!(error(text), "line 3: expected output begins with `// `");
        let test = parse_filetest("// test nonsense\n").expect("a filetest");
        let error = run_command(&test).expect_err("no such command");
        assert!(error.starts_with("no command `nonsense`, there are: asm"), "{error}");
    }

    #[test]
    fn a_difference_has_a_place() {
        let text = difference("same\nold\n", "same\n");
        let start = "line 2 of the output differs\n  expected: old\n  found:    (the end)\n";
        assert!(text.starts_with(start), "{text}");
    }

    #[test]
    fn a_test_without_expectation_fails() {
        let path = std::env::temp_dir().join(format!("palmetto-filetest-{}", std::process::id()));
        fs::write(&path, "// test asm\nprogram p\n  halt\n").expect("a temporary file");
        let error = run_filetest(&path, false).expect_err("nothing is expected");
        assert!(error.contains("// ----\n// program p\n"), "{error}");
        run_filetest(&path, true).expect("blessing writes the file");
        run_filetest(&path, false).expect("what was blessed is expected");
        fs::remove_file(&path).expect("the temporary file");
    }
}
