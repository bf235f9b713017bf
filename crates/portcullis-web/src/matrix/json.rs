//! The matrix as JSON: the holders once, then a line of cells for each route and permission.

use super::{Line, Matrix};
use portcullis_core::{Error, ErrorKind, Forecast, Holder};
use serde_json::{Value, json};

impl Matrix {
    /// The matrix as JSON.
    ///
    /// `baselines` are those of the gates, in words. `holders` are `"without credential"`, `"authenticated"`, `"staff"` and objects
    /// with `role` and `on`. `routes` and `permissions` are objects with a `name` and `cells` in the order of the holders: `true`,
    /// `false`, or a list of what it depends on.
    #[must_use]
    pub fn to_json(&self) -> String {
        let lines = |lines: &[Line]| -> Value {
            let line =
                |line: &Line| json!({ "name": line.name, "cells": line.cells.iter().map(cell).collect::<Value>() });
            lines.iter().map(line).collect()
        };
        let holders: Value = self.holders.iter().map(holder).collect();
        let (routes, permissions) = (lines(&self.routes), lines(&self.permissions));
        format!(
            "{:#}\n",
            json!({ "baselines": self.baselines, "holders": holders, "routes": routes, "permissions": permissions })
        )
    }

    /// Reads what [`to_json`](Self::to_json) has written.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if the text is no such matrix.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let problem = || Error::new(ErrorKind::Misconfigured, "the text is no matrix in JSON; write it by `to_json`");
        let value: Value = serde_json::from_str(text).map_err(|cause| problem().with_cause(cause))?;
        read(&value).ok_or_else(problem)
    }
}

fn holder(holder: &Holder) -> Value {
    match holder {
        Holder::Role { role, on } => json!({ "role": role, "on": on }),
        other => json!(other.to_string()),
    }
}

fn cell(cell: &Forecast) -> Value {
    match cell {
        Forecast::Allow => json!(true),
        Forecast::Deny => json!(false),
        Forecast::Depends(on) => json!(on),
    }
}

fn read(value: &Value) -> Option<Matrix> {
    let holders: Vec<Holder> = value.get("holders")?.as_array()?.iter().map(read_holder).collect::<Option<_>>()?;
    let line = |line: &Value| {
        let cells: Vec<Forecast> = line.get("cells")?.as_array()?.iter().map(read_cell).collect::<Option<_>>()?;
        let name = line.get("name")?.as_str()?.to_owned();
        (cells.len() == holders.len()).then_some(Line { name, cells })
    };
    let lines = |name: &str| value.get(name)?.as_array()?.iter().map(line).collect::<Option<Vec<Line>>>();
    let baselines = value.get("baselines")?.as_array()?.iter().map(|words| words.as_str().map(str::to_owned));
    let baselines = baselines.collect::<Option<_>>()?;
    let (routes, permissions) = (lines("routes")?, lines("permissions")?);
    Matrix { baselines, holders, routes, permissions }.whole()
}

fn read_holder(value: &Value) -> Option<Holder> {
    match value {
        Value::String(name) => super::COMMON.into_iter().find(|holder| holder.to_string() == *name),
        value => {
            let role = value.get("role")?.as_str()?.to_owned();
            let on = value.get("on")?;
            if on.is_null() {
                return Some(Holder::Role { role, on: None });
            }
            Some(Holder::Role { role, on: Some(on.as_str()?.to_owned()) })
        }
    }
}

fn read_cell(value: &Value) -> Option<Forecast> {
    match value {
        Value::Bool(true) => Some(Forecast::Allow),
        Value::Bool(false) => Some(Forecast::Deny),
        value => {
            let on = value.as_array()?.iter().map(|on| on.as_str().map(str::to_owned));
            Some(Forecast::Depends(on.collect::<Option<_>>()?))
        }
    }
}
