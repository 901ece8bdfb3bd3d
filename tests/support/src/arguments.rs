//! The arguments of a filetest's command: words, and `key=value` pairs.

use std::str::FromStr;

/// What follows the command in the first line of a filetest. Every argument has to be taken:
/// [`Arguments::finish`] refuses what is left, so that no argument is silently ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments(Vec<String>);

impl Arguments {
    /// The arguments in `text`, separated by blanks.
    pub fn new(text: &str) -> Self {
        Self(text.split_whitespace().map(str::to_owned).collect())
    }

    /// Takes the next argument that is not a pair.
    pub fn take_word(&mut self) -> Option<String> {
        let position = self.0.iter().position(|argument| !argument.contains('='))?;
        Some(self.0.remove(position))
    }

    /// Takes the value of `key`, if it is given.
    ///
    /// # Errors
    /// If it is given and is no `T`.
    pub fn take<T: FromStr>(&mut self, key: &str) -> Result<Option<T>, String> {
        let of_key =
            |argument: &String| argument.split_once('=').is_some_and(|(name, _)| name == key);
        let Some(position) = self.0.iter().position(of_key) else { return Ok(None) };
        let argument = self.0.remove(position);
        let value = &argument[key.len() + 1..];
        value.parse().map(Some).map_err(|_| format!("`{argument}`: `{value}` is no such value"))
    }

    /// Takes the values of `key`, separated by commas; none if it is not given.
    ///
    /// # Errors
    /// If one of them is no `T`.
    pub fn take_list<T: FromStr>(&mut self, key: &str) -> Result<Vec<T>, String> {
        let Some(list) = self.take::<String>(key)? else { return Ok(Vec::new()) };
        list.split(',')
            .map(|value| {
                value.parse().map_err(|_| format!("`{key}={list}`: `{value}` is no such value"))
            })
            .collect()
    }

    /// Ends the taking.
    ///
    /// # Errors
    /// If an argument is left.
    pub fn finish(self) -> Result<(), String> {
        match self.0.first() {
            None => Ok(()),
            Some(argument) => Err(format!("the command has no argument `{argument}`")),
        }
    }
}

#[test]
fn no_argument_is_ignored() {
    let mut arguments = Arguments::new(" dce arguments=1,2  chip=v4 ");
    assert_eq!(arguments.take_word().as_deref(), Some("dce"));
    assert_eq!(arguments.take_list::<u32>("arguments"), Ok(vec![1, 2]));
    assert_eq!(arguments.take::<u32>("hbm"), Ok(None));
    let left = arguments.finish().expect_err("an argument is left");
    assert_eq!(left, "the command has no argument `chip=v4`");
}
