/// The names of the parameters of a path: of `{name}`, of `{*rest}`, and of `{name:pattern}` in actix-web.
pub(super) fn params(path: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = path;
    while let Some((_, after)) = rest.split_once('{') {
        // In axum, two of them are a brace in the path.
        if let Some(literal) = after.strip_prefix('{') {
            rest = literal;
            continue;
        }
        // A pattern may have braces of its own.
        let mut depth = 1_usize;
        let end = after.find(|found| {
            match found {
                '{' => depth = depth.saturating_add(1),
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0
        });
        let (inside, beyond) = after.split_at(end.unwrap_or(after.len()));
        names.push(inside.split(':').next().unwrap_or(inside).trim_start_matches('*'));
        rest = beyond;
    }
    names
}

/// The path without what OpenAPI does not know about parameters: the patterns of actix-web, and that one takes the rest.
#[cfg(feature = "utoipa")]
pub(super) fn plain(path: &str) -> String {
    let (mut plain, mut depth, mut is_name) = (String::new(), 0_usize, true);
    for found in path.chars() {
        match found {
            '{' => depth = depth.saturating_add(1),
            '}' => depth = depth.saturating_sub(1),
            ':' if depth > 0 => is_name = false,
            _ => {}
        }
        is_name = is_name || depth == 0;
        if is_name && !(depth > 0 && found == '*') {
            plain.push(found);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::params;

    #[test]
    fn parameters_are_found_by_the_rules_of_both_frameworks() {
        let cases: [(&str, &[&str]); 9] = [
            ("", &[]),
            ("/a/b", &[]),
            ("/p/{id}", &["id"]),
            ("/p/{id}/flights/{flight}", &["id", "flight"]),
            ("/files/{*rest}", &["rest"]),
            ("/n/{id}-{name}.json", &["id", "name"]),
            ("/{{id}}/{name}", &["name"]),
            (r"/{id:\d{3,4}}/{tail:.*}", &["id", "tail"]),
            ("/{open", &["open"]),
        ];
        for (path, expected) in cases {
            assert_eq!(params(path), expected, "{path}");
        }
    }
}
