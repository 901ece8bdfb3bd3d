//! From a file to HLO modules.
//!
//! A text that begins with `HloModule` is HLO; every other text is StableHLO, of which a file may
//! hold several programs, separated by lines `// -----`. What is no text is one StableHLO program:
//! MLIR bytecode, or an artifact of `jax.export` with such a program in it.

use palmetto_compiler::diagnostic::{Diagnostic, SourceText};
use palmetto_compiler::frontend::{
    EntryPoint, Program, SourceChunk, exported_module, import_module, is_bytecode, list_functions,
    parse_bytecode, parse_program, split_programs,
};
use palmetto_compiler::hlo::{Module, parse_module, verify};

/// What a file has.
enum Contents<'a> {
    Hlo(&'a str),
    Text(Vec<SourceChunk>),
    Bytecode(&'a [u8]),
}

impl<'a> Contents<'a> {
    fn of(file: &str, bytes: &'a [u8]) -> Result<Self, Diagnostic> {
        if is_bytecode(bytes) {
            return Ok(Self::Bytecode(bytes));
        }
        // No text has zero bytes, though they are UTF-8.
        match str::from_utf8(bytes).ok().filter(|text| !text.contains('\0')) {
            Some(text) if is_hlo(text) => Ok(Self::Hlo(text)),
            Some(text) => Ok(Self::Text(split_programs(file, text))),
            None => exported_module(file, bytes).map(Self::Bytecode),
        }
    }
}

/// The one program of a file: its `@main`, or its only public function. `bytes` are what the file
/// has, `file` is its name in messages.
///
/// # Errors
/// The file is malformed or unsupported, has no or several programs, or no entry.
pub fn read_program(file: &str, bytes: impl AsRef<[u8]>) -> Result<Module, Diagnostic> {
    let program = match Contents::of(file, bytes.as_ref())? {
        Contents::Hlo(text) => return read_hlo(file, text),
        Contents::Bytecode(bytes) => parse_bytecode(file, bytes)?,
        Contents::Text(chunks) => parse_program(only(file, chunks)?)?,
    };
    verified(import_module(&program, &entry(&program))?)
}

/// The only program of a file.
fn only(file: &str, chunks: Vec<SourceChunk>) -> Result<SourceChunk, Diagnostic> {
    let mut chunks = chunks.into_iter();
    let (Some(chunk), rest) = (chunks.next(), chunks.len()) else {
        return Err(Diagnostic::new(format!("{file} has no program")));
    };
    if rest > 0 {
        let count = rest + 1;
        return Err(Diagnostic::new(format!("{file} has {count} programs, one is expected"))
            .with_note("`palmetto test` runs all programs of a file"));
    }
    Ok(chunk)
}

/// A program of a self-checking file.
#[derive(Debug)]
pub struct TestProgram {
    /// The function that is run.
    pub name: String,
    /// Its module, or why there is none.
    pub module: Result<Module, Diagnostic>,
}

/// Every test of a file: in each of its programs `@main`, or else every function without
/// arguments.
///
/// # Errors
/// The file has no program.
pub fn read_tests(file: &str, bytes: impl AsRef<[u8]>) -> Result<Vec<TestProgram>, Diagnostic> {
    let chunks = match Contents::of(file, bytes.as_ref())? {
        Contents::Hlo(text) => {
            let module = read_hlo(file, text);
            return Ok(vec![TestProgram { name: "ENTRY".to_owned(), module }]);
        }
        Contents::Bytecode(bytes) => return Ok(tests_of(file, parse_bytecode(file, bytes))),
        Contents::Text(chunks) => chunks,
    };
    if chunks.is_empty() {
        return Err(Diagnostic::new(format!("{file} has no program")));
    }
    let tests = chunks.into_iter().flat_map(|chunk| {
        let place = format!("{}:{}", chunk.file, chunk.first_line);
        tests_of(&place, parse_program(chunk))
    });
    Ok(tests.collect())
}

fn tests_of(place: &str, program: Result<Program, Diagnostic>) -> Vec<TestProgram> {
    let nameless = |error| vec![TestProgram { name: String::new(), module: Err(error) }];
    let program = match program {
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
        assert!(read_program("t.mlir", format!("{TWO}// -----\n{TWO}")).is_err());
        assert!(
            read_program(
                "t.hlo",
                "// a\nHloModule m\n\nENTRY e {\n  ROOT x = f32[] parameter(0)\n}\n"
            )
            .is_ok()
        );
    }
}
