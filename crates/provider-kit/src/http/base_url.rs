//! Where a provider's API is: an address that is safe to send a bearer to.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use reqwest::Url;

/// An API base: `https`, or `http` on this machine (a sandbox); no credentials, query or fragment.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl(Url);

/// Why an address is not an API base. The address is not repeated: it may hold credentials.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BaseUrlError {
    /// Not an absolute URL.
    #[error("not an absolute URL such as https://example.com")]
    NotAUrl,
    /// Bearers travel encrypted or not at all.
    #[error("must be https; http is only for localhost, 127.0.0.0/8 and [::1]")]
    NotHttps,
    /// Credentials belong elsewhere.
    #[error("must not contain a user name or password")]
    Credentials,
    /// Paths and queries are added to it.
    #[error("must not contain a query or a fragment")]
    QueryOrFragment,
}

impl BaseUrl {
    /// Takes an address; a slash at its end does not matter.
    pub fn parse(text: &str) -> Result<Self, BaseUrlError> {
        let mut url = Url::parse(text.trim()).map_err(|_| BaseUrlError::NotAUrl)?;
        match url.scheme() {
            "https" => {}
            "http" if is_this_machine(&url) => {}
            _ => return Err(BaseUrlError::NotHttps),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BaseUrlError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(BaseUrlError::QueryOrFragment);
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }

    /// The address itself, when nothing is added to it.
    pub(crate) fn as_url(&self) -> &Url {
        &self.0
    }

    /// The address of a path and query below this base, exactly as given: a path that would be read
    /// differently (dots, backslashes, unencoded characters, a query of its own) is refused.
    pub(super) fn at(&self, path: &str, query: &[(String, String)]) -> Result<Url, String> {
        if !path.starts_with('/') {
            return Err("path must start with a slash".to_owned());
        }
        let wanted = format!("{}{path}", self.0.path().trim_end_matches('/'));
        let mut url = self.0.clone();
        url.set_path(&wanted);
        if url.path() != wanted {
            return Err("path is not percent-encoded or not in its plain form".to_owned());
        }
        if !query.is_empty() {
            url.set_query(Some(&encoded(query)));
        }
        Ok(url)
    }
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, BaseUrlError> {
        Self::parse(text)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({self})")
    }
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// RFC 3986: everything but unreserved characters is encoded. A form's `+` for a space is not understood
/// by every provider; `%20` is.
fn encoded(query: &[(String, String)]) -> String {
    let mut text = String::new();
    for (name, value) in query {
        if !text.is_empty() {
            text.push('&');
        }
        encode(name, &mut text);
        text.push('=');
        encode(value, &mut text);
    }
    text
}

fn encode(plain: &str, text: &mut String) {
    const HEX: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    for byte in plain.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.push(HEX[usize::from(byte >> 4)]);
            text.push(HEX[usize::from(byte & 15)]);
        }
    }
}

#[cfg(test)]
#[path = "base_url_tests.rs"]
mod tests;
