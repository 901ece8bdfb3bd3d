//! From a file's text to HLO modules.
//!
//! A text that begins with `HloModule` is HLO; everything else is StableHLO. A file may hold
//! several StableHLO programs, separated by lines `// -----`.

use palmetto_compiler::diagnostic::{Diagnostic, SourceText};
use palmetto_compiler::frontend::{
    EntryPoint, Program, SourceChunk, import_module, is_bytecode, list_functions, parse_bytecode,
    parse_program, split_programs,
};
use palmetto_compiler::hlo::{Module, parse_module, verify};

/// The one program of a text: its `@main`, or its only public function.
///
/// # Errors
/// The text is malformed or unsupported, has no or several programs, or no entry.
pub fn read_program(file: &str, text: &str) -> Result<Module, Diagnostic> {
    if is_hlo(text) {
        return read_hlo(file, text);
    }
    let mut chunks = split_programs(file, text).into_iter();
    let (Some(chunk), rest) = (chunks.next(), chunks.len()) else {
        return Err(Diagnostic::new(format!("{file} has no program")));
    };
    if rest > 0 {
        let count = rest + 1;
        return Err(Diagnostic::new(format!("{file} has {count} programs, one is expected"))
            .with_note("`palmetto test` runs all programs of a file"));
    }
    let program = parse_program(chunk)?;
    verified(import_module(&program, &entry(&program))?)
}

/// The one program of a file: MLIR bytecode, or a text as [`read_program`] reads it.
///
/// # Errors
/// As [`read_program`], or bytes that are neither bytecode nor text.
pub fn read_module(file: &str, bytes: &[u8]) -> Result<Module, Diagnostic> {
    if is_bytecode(bytes) {
        let program = parse_bytecode(file, bytes)?;
        return verified(import_module(&program, &entry(&program))?);
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Diagnostic::new(format!("{file} is neither MLIR bytecode nor text: {error}"))
    })?;
    read_program(file, text)
}

/// A program of a self-checking file.
#[derive(Debug)]
pub struct TestProgram {
    /// The function that is run.
    pub name: String,
    /// Its module, or why there is none.
    pub module: Result<Module, Diagnostic>,
}

/// Every test of a text: in each of its programs `@main`, or else every function without
/// arguments.
///
/// # Errors
/// The text has no program.
pub fn read_tests(file: &str, text: &str) -> Result<Vec<TestProgram>, Diagnostic> {
    if is_hlo(text) {
        let module = read_hlo(file, text);
        return Ok(vec![TestProgram { name: "ENTRY".to_owned(), module }]);
    }
    let chunks = split_programs(file, text);
    if chunks.is_empty() {
        return Err(Diagnostic::new(format!("{file} has no program")));
    }
    Ok(chunks.into_iter().flat_map(tests_of).collect())
}

fn tests_of(chunk: SourceChunk) -> Vec<TestProgram> {
    let nameless = |error| vec![TestProgram { name: String::new(), module: Err(error) }];
    let place = format!("{}:{}", chunk.file, chunk.first_line);
    let program = match parse_program(chunk) {
        Ok(program) => program,
        Err(error) => return nameless(error),
    };
    let functions = list_functions(&program);
    let mut names: Vec<String> =
        functions.iter().filter(|f| f.n_arguments == 0).map(|f| f.name.clone()).collect();
    if functions.iter().any(|function| function.name == "main") {
        names = vec!["main".to_owned()];
    }
    if names.is_empty() {
        let message =
            format!("{place}: the program has no @main and no function without arguments");
        return nameless(Diagnostic::new(message));
    }
    let test = |name: String| {
        let module = import_module(&program, &EntryPoint::Function(name.clone()));
        let module = module.and_then(verified);
        TestProgram { name, module }
    };
    names.into_iter().map(test).collect()
}

fn entry(program: &Program) -> EntryPoint {
    let functions = list_functions(program);
    let mut public = functions.iter().filter(|function| function.is_public);
    let has_main = functions.iter().any(|function| function.name == "main");
    match (has_main, public.next(), public.next()) {
        (false, Some(only), None) => EntryPoint::Function(only.name.clone()),
        (true | false, _, _) => EntryPoint::Main,
    }
}

fn read_hlo(file: &str, text: &str) -> Result<Module, Diagnostic> {
    verified(parse_module(SourceText::new(file, text))?)
}

fn verified(module: Module) -> Result<Module, Diagnostic> {
    verify(&module)?;
    Ok(module)
}

fn is_hlo(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim_start);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with("//"));
    first.is_some_and(|line| line.starts_with("HloModule"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<(String, bool)> {
        let tests = read_tests("t.mlir", text).expect("there are programs");
        tests.into_iter().map(|test| (test.name, test.module.is_ok())).collect()
    }

    const TWO: &str = "func.func @a() { return }\nfunc.func @b() { return }\n";
    const ARGUMENT: &str =
        "func.func @c(%x: tensor<f32>) -> tensor<f32> { return %x : tensor<f32> }\n";

    #[test]
    fn main_is_the_test_or_else_every_function_without_arguments() {
        assert_eq!(names(TWO), [("a".to_owned(), true), ("b".to_owned(), true)]);
        assert_eq!(names(&format!("{TWO}{ARGUMENT}")).len(), 2);
        assert_eq!(
            names(&format!("{TWO}func.func @main() {{ return }}")),
            [("main".to_owned(), true)]
        );
        assert_eq!(names(ARGUMENT), [(String::new(), false)]);
    }

    #[test]
    fn every_program_of_a_file_is_tested() {
        let text = format!("{TWO}// -----\n{ARGUMENT}// -----\nnonsense");
        let tests: Vec<bool> = names(&text).into_iter().map(|(_, ok)| ok).collect();
        assert_eq!(tests, [true, true, false, false]);
        assert!(read_tests("t.mlir", "// nothing\n").is_err());
    }

    #[test]
    fn the_only_public_function_is_the_entry() {
        assert!(read_program("t.mlir", ARGUMENT).is_ok());
        assert!(read_program("t.mlir", TWO).is_err());
        assert!(read_program("t.mlir", &format!("{TWO}// -----\n{TWO}")).is_err());
        assert!(
            read_program(
                "t.hlo",
                "// a\nHloModule m\n\nENTRY e {\n  ROOT x = f32[] parameter(0)\n}\n"
            )
            .is_ok()
        );
    }
}
