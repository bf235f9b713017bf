//! Addresses, compared as RFC 3986 does.

/// An address without its query and fragment, in the form in which two of them are compared: RFC 3986, sections 6.2.2 and
/// 6.2.3, without dot segments, which clients resolve before they send a request. `None` if it is not an address of HTTP.
pub(super) fn normal(address: &str) -> Option<String> {
    let address = address.split(['?', '#']).next()?;
    let (scheme, rest) = address.split_once("://")?;
    let (authority, path) = rest.split_at_checked(rest.find('/').unwrap_or(rest.len()))?;
    let (scheme, authority) = (scheme.to_ascii_lowercase(), authority.to_ascii_lowercase());
    let usual_port = match &*scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    let host = authority.strip_suffix(usual_port).or(authority.strip_suffix(':')).unwrap_or(&authority);
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    if host.is_empty() || !host.bytes().all(is_host) {
        return None;
    }
    let path = if path.is_empty() { "/".to_owned() } else { normal_path(path) };
    Some(format!("{scheme}://{host}{path}"))
}

/// With escapes in upper case, and without those that are not needed.
fn normal_path(path: &str) -> String {
    let mut parts = path.split('%');
    let mut normal = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let escape = part.split_at_checked(2).and_then(|(hex, rest)| {
            let is_hex = hex.bytes().all(|byte| byte.is_ascii_hexdigit());
            Some((u8::from_str_radix(hex, 16).ok().filter(|_| is_hex)?, rest))
        });
        match escape {
            Some((byte, rest)) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                normal.push(byte.into());
                normal.push_str(rest);
            }
            Some((byte, rest)) => normal.push_str(&format!("%{byte:02X}{rest}")),
            None => {
                normal.push('%');
                normal.push_str(part);
            }
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn equal_addresses_have_one_form() {
        let same = [
            "https://api.example.com/a%2Fb/~c",
            "HTTPS://API.example.com:443/a%2fb/%7Ec",
            "https://api.example.com:/a%2Fb/%7ec?query#fragment",
        ];
        for address in same {
            assert_eq!(normal(address).as_deref(), Some("https://api.example.com/a%2Fb/~c"), "{address}");
        }
        let others = [
            "http://api.example.com/a%2Fb/~c",
            "https://api.example.com:8443/a%2Fb/~c",
            "https://api.example.com/a/b/~c",
            "https://api.example.com/A%2Fb/~c",
            "https://api.example.com/a%2Fb/~c/",
            "https://api.example.com.evil.test/a%2Fb/~c",
        ];
        for address in others {
            assert!(normal(address).is_some_and(|other| other != "https://api.example.com/a%2Fb/~c"), "{address}");
        }
        assert_eq!(normal("https://api.example.com"), normal("https://api.example.com/"));
        assert_eq!(normal("https://api.example.com/%g1%").as_deref(), Some("https://api.example.com/%g1%"));
        for none in ["", "/a", "api.example.com/a", "ftp://api.example.com/a", "https:///a", "https://user@host/a"] {
            assert_eq!(normal(none), None, "{none}");
        }
    }
}
