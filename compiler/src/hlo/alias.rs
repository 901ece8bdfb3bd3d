//! [`AliasConfig`]: which entry parameters give their memory to results.
//!
//! In the text it is `input_output_alias={ {1}: (0, {}, may-alias) }, buffer_donor={ (2, {}) }` of
//! the module: result 1 may lie where parameter 0 is, and parameter 2 may be used for any result.
//! The caller says at each execution whether it really gives the memory; the meaning of the program
//! does not depend on it.

use std::collections::{BTreeMap, BTreeSet};

use super::module::Module;
use super::parse::scanner::Scanner;
use super::shape::Shape;
use crate::diagnostic::Diagnostic;

/// The parameters of a module that are donated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AliasConfig {
    /// The parameter that gives its memory, by the number of the result: 0, or the element of the
    /// tuple.
    pub results: BTreeMap<usize, usize>,
    /// Parameters that may be used for any result.
    pub donors: BTreeSet<usize>,
}

/// The attribute of a function's argument that names the result.
const ALIASING_OUTPUT: &str = "tf.aliasing_output";
/// The attribute of a function's argument that is a donor.
const BUFFER_DONOR: &str = "jax.buffer_donor";

impl AliasConfig {
    /// Whether nothing is donated.
    pub fn is_empty(&self) -> bool {
        self.results.is_empty() && self.donors.is_empty()
    }

    /// All parameters that are donated.
    pub fn parameters(&self) -> BTreeSet<usize> {
        self.results.values().chain(&self.donors).copied().collect()
    }

    /// What the frontend attributes of the entry parameters of a module say.
    fn of_parameters(module: &Module) -> Result<Self, String> {
        let mut config = Self::default();
        let Some(entry) = module.entry.and_then(|entry| module.get(entry)) else {
            return Ok(config);
        };
        for (number, &id) in entry.parameters().iter().enumerate() {
            let attributes = entry.instruction(id).frontend_attributes();
            if attributes.get(BUFFER_DONOR).is_some_and(|value| value == "true") {
                config.donors.insert(number);
            }
            let Some(value) = attributes.get(ALIASING_OUTPUT) else { continue };
            let result = value.parse::<usize>().map_err(|_| {
                format!("{ALIASING_OUTPUT} of argument {number} is `{value}`, which is no result")
            })?;
            if let Some(other) = config.results.insert(result, number) {
                return Err(format!(
                    "arguments {other} and {number} both give their memory to result {result}"
                ));
            }
        }
        Ok(config)
    }

    /// What is wrong with it for a module.
    pub(super) fn check(&self, module: &Module) -> Result<(), String> {
        let Some(entry) = module.entry.and_then(|entry| module.get(entry)) else { return Ok(()) };
        let Some(root) = entry.root else { return Ok(()) };
        let results = match entry.instruction(root).shape() {
            Shape::Tuple(elements) => elements.iter().collect(),
            array @ Shape::Array(_) => vec![array],
        };
        let parameter = |number: usize| {
            let parameters = entry.parameters();
            let id = parameters.get(number).ok_or_else(|| {
                format!("parameter {number} is donated; there are {}", parameters.len())
            })?;
            Ok::<_, String>(entry.instruction(*id).shape())
        };
        self.donors.iter().try_for_each(|&number| parameter(number).map(|_| ()))?;
        let mut given = BTreeSet::new();
        for (&result, &number) in &self.results {
            let shape = results.get(result).ok_or_else(|| {
                format!("parameter {number} is for result {result}; there are {}", results.len())
            })?;
            let from = parameter(number)?;
            if !given.insert(number) {
                return Err(format!("parameter {number} is for two results"));
            }
            if !from.same_but_layout(shape) {
                return Err(format!(
                    "parameter {number} is {from} and cannot be the memory of result {result}, \
                     which is {shape}"
                ));
            }
        }
        Ok(())
    }

    /// The attributes of a module's text, each with `, ` before it.
    pub(super) fn text(&self, root_is_tuple: bool) -> String {
        let mut text = String::new();
        let mut add = |key: &str, items: Vec<String>| {
            if !items.is_empty() {
                text.push_str(&format!(", {key}={{ {} }}", items.join(", ")));
            }
        };
        let results = self.results.iter().map(|(result, number)| match root_is_tuple {
            true => format!("{{{result}}}: ({number}, {{}}, may-alias)"),
            false => format!("{{}}: ({number}, {{}}, may-alias)"),
        });
        add("input_output_alias", results.collect());
        add("buffer_donor", self.donors.iter().map(|n| format!("({n}, {{}})")).collect());
        text
    }

    /// Reads the value of `input_output_alias`. A parameter that must give its memory may also.
    pub(super) fn parse_results(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Diagnostic> {
        let pairs = scanner.list(["{", "}"], |scanner| {
            let start = scanner.position();
            let index = shape_index(scanner)?;
            let span = start..scanner.position();
            scanner.expect(":")?;
            scanner.expect("(")?;
            let number = parameter(scanner)?;
            if scanner.eat(",")? {
                let (kind, span) = scanner.word("may-alias or must-alias")?;
                if !matches!(kind, "may-alias" | "must-alias") {
                    let message = format!("`{kind}` is neither may-alias nor must-alias");
                    return Err(scanner.error_at(span, message));
                }
            }
            scanner.expect(")")?;
            Ok((index, number, span))
        })?;
        for (index, number, span) in pairs {
            let ([] | [_]) = index[..] else {
                return Err(scanner.error_at(span, "a result is in one tuple at most"));
            };
            let result = index.first().copied().unwrap_or(0);
            if self.results.insert(result, number).is_some() {
                return Err(scanner.error_at(span, "the result has two parameters"));
            }
        }
        Ok(())
    }

    /// Reads the value of `buffer_donor`.
    pub(super) fn parse_donors(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Diagnostic> {
        let donors = scanner.list(["{", "}"], |scanner| {
            scanner.expect("(")?;
            let number = parameter(scanner)?;
            scanner.expect(")")?;
            Ok(number)
        })?;
        self.donors.extend(donors);
        Ok(())
    }
}

impl Module {
    /// Takes over what the frontend attributes of the entry parameters say about donation.
    ///
    /// # Errors
    /// An attribute is no number, or two parameters name one result.
    pub(crate) fn read_donations(&mut self) -> Result<(), String> {
        self.aliases = AliasConfig::of_parameters(self)?;
        Ok(())
    }
}

/// `0, {}`: parameters are arrays here, not tuples.
fn parameter(scanner: &mut Scanner<'_>) -> Result<usize, Diagnostic> {
    let number = scanner.integer("the number of a parameter")?;
    scanner.expect(",")?;
    let start = scanner.position();
    if shape_index(scanner)?.is_empty() {
        return Ok(number);
    }
    Err(scanner.error_at(start..scanner.position(), "parts of a parameter cannot be donated"))
}

fn shape_index(scanner: &mut Scanner<'_>) -> Result<Vec<usize>, Diagnostic> {
    scanner.list(["{", "}"], |scanner| scanner.integer("an index"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::SourceText;
    use crate::hlo::{parse_module, verify};

    fn header(attributes: &str) -> Result<Module, Diagnostic> {
        let text = format!(
            "HloModule m{attributes}\n\nENTRY e {{\n  a = f32[8] parameter(0)\n  b = f32[4] parameter(1)\n  \
             c = f32[8] negate(a)\n  ROOT r = (f32[4], f32[8]) tuple(b, c)\n}}\n"
        );
        let module = parse_module(SourceText::new("m.hlo", &text))?;
        verify(&module)?;
        Ok(module)
    }

    #[test]
    fn what_is_donated_is_printed_and_read_back() {
        let text =
            ", input_output_alias={ {1}: (0, {}, may-alias) }, buffer_donor={ (0, {}), (1, {}) }";
        let module = header(text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(module.aliases().results, BTreeMap::from([(1, 0)]));
        assert_eq!(module.aliases().donors, BTreeSet::from([0, 1]));
        let printed = module.to_string();
        assert!(printed.starts_with(&format!("HloModule m{text}\n")), "{printed}");
        let again = parse_module(SourceText::new("m.hlo", &printed)).expect("it was printed");
        assert_eq!(again.aliases(), module.aliases());
        let must = header(", input_output_alias={{0}: (1, {}, must-alias)}");
        assert!(must.is_ok_and(|module| module.aliases().parameters() == BTreeSet::from([1])));
    }

    #[test]
    fn what_cannot_be_donated_is_refused() {
        for (attributes, message) in [
            (", input_output_alias={ {0}: (0, {}, may-alias) }", "cannot be the memory"),
            (", input_output_alias={ {2}: (0, {}) }", "there are 2"),
            (", input_output_alias={ {1}: (7, {}) }", "parameter 7"),
            (", input_output_alias={ {1}: (0, {}), {1}: (0, {}) }", "two parameters"),
            (", input_output_alias={ {1, 0}: (0, {}) }", "one tuple"),
            (", input_output_alias={ {1}: (0, {1}) }", "parts of a parameter"),
            (", input_output_alias={ {1}: (0, {}, alias) }", "neither"),
            (", buffer_donor={ (2, {}) }", "there are 2"),
            (", buffer_donor={ (x, {}) }", "the number of a parameter"),
        ] {
            let error = header(attributes).expect_err(attributes).to_string();
            assert!(error.contains(message), "{attributes}: {error}");
        }
    }
}
