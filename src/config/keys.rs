//! Where an issuer's keys are: an address, a file, or where they usually are.

use std::sync::Arc;

use super::reader::Reader;
use crate::token::{Algorithm, Authorities, JwksUrl, KeySet, MAX_JWKS_BYTES};

/// Where an issuer's keys are, if not where they usually are.
pub(super) struct Keys {
    pub(super) url: Option<JwksUrl>,
    pub(super) file: Option<KeyFile>,
}

/// A key file's content, and the variable or field that names the file.
#[derive(Clone)]
pub(super) struct KeyFile {
    pub(super) place: String,
    pub(super) content: Vec<u8>,
}

impl Keys {
    /// Whether nothing is said of them.
    pub(super) fn are_usual(&self) -> bool {
        self.url.is_none() && self.file.is_none()
    }

    /// The key file as a key set, if there is one.
    pub(super) fn preload(&self, reader: &mut Reader<'_>, algorithms: &[Algorithm]) -> Option<Arc<KeySet>> {
        let file = self.file.as_ref()?;
        let keys = KeySet::parse(&file.content, algorithms);
        let keys = keys.map_err(|error| {
            reader.problem(&file.place, format!("names a file that cannot be used: {error}"));
        });
        keys.ok().map(Arc::new)
    }
}

pub(super) fn read_keys(reader: &mut Reader<'_>, url: &str, file: &str) -> Keys {
    Keys {
        url: reader.text(url).and_then(|text| parse_url(reader, url, &text)),
        file: reader.text(file).and_then(|path| read_file(reader, file, &path)),
    }
}

pub(super) fn parse_url(reader: &mut Reader<'_>, place: &str, text: &str) -> Option<JwksUrl> {
    let url = JwksUrl::parse(text);
    url.map_err(|error| reader.problem(place, error.to_string())).ok()
}

/// A PEM file of certificate authorities, if one is named.
pub(super) fn read_authorities(reader: &mut Reader<'_>, name: &str) -> Authorities {
    let Some(path) = reader.text(name) else { return Authorities::default() };
    let authorities = read_file(reader, name, &path).map(|file| Authorities::parse(&file.content));
    match authorities {
        Some(Ok(authorities)) => authorities,
        Some(Err(error)) => {
            reader.problem(name, format!("names a file that {error}"));
            Authorities::default()
        }
        None => Authorities::default(),
    }
}

pub(super) fn read_file(reader: &mut Reader<'_>, place: &str, path: &str) -> Option<KeyFile> {
    match std::fs::read(path) {
        Ok(content) if content.len() <= MAX_JWKS_BYTES => Some(KeyFile { place: place.to_owned(), content }),
        Ok(_) => {
            reader.problem(place, format!("names a file over {MAX_JWKS_BYTES} bytes"));
            None
        }
        Err(error) => {
            reader.problem(place, format!("names a file that cannot be read: {}", error.kind()));
            None
        }
    }
}

/// Whether a text can be an `iss`: an address, and written as addresses are, since it is compared byte by byte.
pub(super) fn is_issuer(text: &str) -> bool {
    let parsed = JwksUrl::parse(text);
    parsed.is_ok_and(|url| !text.contains('?') && [text, &format!("{text}/")].contains(&url.as_str()))
}

/// Whether an issuer is a user pool's, in either form. As any provider's, its tokens' use and client would go
/// unchecked.
pub(super) fn is_pool(issuer: &str) -> bool {
    let host = issuer.strip_prefix("https://").unwrap_or_default();
    host.starts_with("cognito-idp.") || host.starts_with("issuer-cognito-idp.")
}

/// Where Cognito, and most providers, publish an issuer's keys.
pub(super) fn usual_address(issuer: &str) -> Option<JwksUrl> {
    JwksUrl::parse(&format!("{}/.well-known/jwks.json", issuer.trim_end_matches('/'))).ok()
}
