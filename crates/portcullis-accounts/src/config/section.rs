//! Reading tables whose texts may be environment variables.

use crate::error::Error;
use std::collections::{BTreeMap, BTreeSet};
use toml::{Table, Value};
use zeroize::Zeroizing;

/// The variables that the settings name, with their values.
pub(super) type Variables = BTreeMap<String, Zeroizing<String>>;

/// A table of the settings. What is left at [`end`](Self::end) is unknown.
///
/// Errors name the key and never quote a value: it may be a secret in the wrong place.
pub(super) struct Section<'a> {
    path: String,
    table: Table,
    variables: &'a Variables,
}

impl<'a> Section<'a> {
    pub(super) fn root(table: Table, variables: &'a Variables) -> Self {
        Self { path: String::new(), table, variables }
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn wrong(&self, key: &str, expected: &str) -> Error {
        Error::misconfigured(format!("the setting {} has to be {expected}", self.path_of(key)))
    }

    /// Takes a key. Where it names a variable, `parse` reads the text of that.
    fn take<T>(
        &mut self,
        key: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some(value) = self.table.remove(key) else { return Ok(None) };
        let found = match value.as_str().and_then(|text| text.strip_prefix('$')) {
            Some(name) => self.variables.get(name).and_then(|text| parse(text)),
            None => read(value),
        };
        found.map(Some).ok_or_else(|| self.wrong(key, expected))
    }

    pub(super) fn text(&mut self, key: &str) -> Result<Option<String>, Error> {
        let read = |value| match value {
            Value::String(text) => Some(text),
            _ => None,
        };
        self.take(key, "a text", |text| Some(text.to_owned()), read)
    }

    pub(super) fn texts(&mut self, key: &str) -> Result<Option<Vec<String>>, Error> {
        let text = |value: &Value| match value.as_str()?.strip_prefix('$') {
            Some(name) => self.variables.get(name).map(|text| text.to_string()),
            None => value.as_str().map(str::to_owned),
        };
        let texts = match self.table.remove(key) {
            None => return Ok(None),
            Some(Value::Array(values)) => values.iter().map(text).collect::<Option<_>>(),
            Some(_) => None,
        };
        texts.map(Some).ok_or_else(|| self.wrong(key, "a list of texts"))
    }

    /// A text, or a list of texts.
    pub(super) fn text_or_texts(&mut self, key: &str) -> Result<Option<Vec<String>>, Error> {
        match self.table.get(key) {
            Some(Value::String(_)) => Ok(self.text(key)?.map(|text| vec![text])),
            _ => self.texts(key),
        }
    }

    pub(super) fn number<T: TryFrom<u64>>(&mut self, key: &str) -> Result<Option<T>, Error> {
        let number = |number: u64| T::try_from(number).ok();
        let read = |value: Value| value.as_integer().and_then(|it| u64::try_from(it).ok()).and_then(number);
        self.take(key, "a number, not negative and not too large", |text| text.parse().ok().and_then(number), read)
    }

    pub(super) fn flag(&mut self, key: &str) -> Result<Option<bool>, Error> {
        self.take(key, "true or false", |text| text.parse().ok(), |value| value.as_bool())
    }

    #[cfg(feature = "sign-in")]
    pub(super) fn keys(&self) -> Vec<String> {
        self.table.keys().cloned().collect()
    }

    pub(super) fn section(&mut self, key: &str) -> Result<Option<Self>, Error> {
        match self.table.remove(key) {
            None => Ok(None),
            Some(Value::Table(table)) => Ok(Some(Self { path: self.path_of(key), table, variables: self.variables })),
            Some(_) => Err(self.wrong(key, "a table")),
        }
    }

    /// # Errors
    /// [`Error::Core`] for a key that is missing.
    pub(super) fn require<T>(&self, key: &str, value: Option<T>) -> Result<T, Error> {
        value.ok_or_else(|| Error::misconfigured(format!("the setting {} is missing", self.path_of(key))))
    }

    /// # Errors
    /// [`Error::Core`] with all keys that were not read.
    pub(super) fn end(self) -> Result<(), Error> {
        let unknown: Vec<_> = self.table.keys().map(|key| self.path_of(key)).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        Err(Error::misconfigured(format!("unknown settings: {}", unknown.join(", "))))
    }
}

/// The variables that a value names, wherever they are in it.
///
/// # Errors
/// [`Error::Core`] for a `$` that names none.
pub(super) fn names(value: &Value, into: &mut BTreeSet<String>) -> Result<(), Error> {
    match value {
        Value::String(text) => match text.strip_prefix('$') {
            Some("") => Err(Error::misconfigured("a `$` in the settings needs the name of an environment variable")),
            Some(name) => {
                into.insert(name.to_owned());
                Ok(())
            }
            None => Ok(()),
        },
        Value::Array(values) => values.iter().try_for_each(|value| names(value, into)),
        Value::Table(table) => table.values().try_for_each(|value| names(value, into)),
        _ => Ok(()),
    }
}
