//! One object of `ISSUERS`.

use serde_json::{Map, Value};

use super::{
    issuers::RS256,
    keys::{Keys, parse_url, read_file},
    reader::{Reader, strings},
};
use crate::token::{Algorithm, AllowedClients, AllowedUse, TokenRules, TokenUse};

/// One object of `ISSUERS`. Fields are taken out as they are read: what is left is not known.
pub(super) struct Entry {
    pub(super) place: String,
    pub(super) fields: Map<String, Value>,
}

impl Entry {
    pub(super) fn at(&self, field: &str) -> String {
        format!("{}.{field}", self.place)
    }

    pub(super) fn has(&self, field: &str) -> bool {
        self.fields.contains_key(field)
    }

    /// Audiences, which are compared as they are: nothing in them stands for anything else.
    fn check_audiences(&self, reader: &mut Reader<'_>, audiences: &[String]) {
        if audiences.iter().any(|audience| audience == "*" || audience.contains(char::is_whitespace)) {
            reader.problem(
                self.at("audiences"),
                "must be audiences as tokens name them, without * and white space",
            );
        }
    }

    pub(super) fn required_audiences(&mut self, reader: &mut Reader<'_>) -> Vec<String> {
        let audiences = self.required_list(reader, "audiences");
        self.check_audiences(reader, &audiences);
        audiences
    }

    pub(super) fn text(&mut self, reader: &mut Reader<'_>, field: &str) -> Option<String> {
        match self.fields.remove(field)? {
            Value::String(text) if !text.is_empty() => Some(text),
            _ => {
                reader.problem(self.at(field), "must be a string that is not empty");
                None
            }
        }
    }

    pub(super) fn list(&mut self, reader: &mut Reader<'_>, field: &str) -> Option<Vec<String>> {
        let Some(list) = strings(&self.fields.remove(field)?) else {
            reader.problem(self.at(field), "must be a list of strings");
            return None;
        };
        reader.check_list(&self.at(field), list)
    }

    pub(super) fn required_list(&mut self, reader: &mut Reader<'_>, field: &str) -> Vec<String> {
        if !self.fields.contains_key(field) {
            reader.problem(self.at(field), "is required");
        }
        self.list(reader, field).unwrap_or_default()
    }

    pub(super) fn pool_rules(&mut self, reader: &mut Reader<'_>) -> TokenRules {
        let clients = self.required_list(reader, "client_ids");
        let token_use = match self.text(reader, "token_use") {
            None => DEFAULT_USE,
            Some(word) => {
                let known = TOKEN_USES.iter().find(|(name, _)| *name == word);
                if known.is_none() {
                    reader.problem(self.at("token_use"), "must be one of access, id, any");
                }
                known.map_or(DEFAULT_USE, |(_, token_use)| *token_use)
            }
        };
        let audiences = self.list(reader, "audiences").unwrap_or_default();
        self.check_audiences(reader, &audiences);
        if !audiences.is_empty() && token_use == AllowedUse::Only(TokenUse::Id) {
            reader.problem(self.at("audiences"), "is for access tokens, which this entry does not accept");
        }
        TokenRules::UserPool {
            clients: read_clients(reader, &self.at("client_ids"), clients),
            token_use,
            audiences,
        }
    }

    pub(super) fn algorithms(&mut self, reader: &mut Reader<'_>) -> Vec<Algorithm> {
        let Some(names) = self.list(reader, "algorithms") else { return RS256.to_vec() };
        let known: Option<Vec<_>> = names.iter().map(|name| Algorithm::from_name(name)).collect();
        known.unwrap_or_else(|| {
            let all = Algorithm::ALL.map(Algorithm::name).join(", ");
            reader.problem(self.at("algorithms"), format!("must be some of {all}"));
            Vec::new()
        })
    }

    pub(super) fn keys(&mut self, reader: &mut Reader<'_>) -> Keys {
        let url = self.text(reader, "jwks_uri");
        let file = self.text(reader, "jwks_file");
        Keys {
            url: url.and_then(|url| parse_url(reader, &self.at("jwks_uri"), &url)),
            file: file.and_then(|file| read_file(reader, &self.at("jwks_file"), &file)),
        }
    }
}

/// `*` accepts any client and stands alone.
pub(super) fn read_clients(reader: &mut Reader<'_>, place: &str, clients: Vec<String>) -> AllowedClients {
    if clients == ["*"] {
        return AllowedClients::Any;
    }
    let is_client_id = |client: &String| {
        client.len() <= 128
            && client.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+".contains(&byte))
    };
    if !clients.iter().all(is_client_id) {
        reader.problem(place, "must be app client ids, or * alone");
    }
    AllowedClients::Listed(clients)
}

pub(super) const DEFAULT_USE: AllowedUse = AllowedUse::Only(TokenUse::Access);

pub(super) const TOKEN_USES: [(&str, AllowedUse); 3] = [
    ("access", AllowedUse::Only(TokenUse::Access)),
    ("id", AllowedUse::Only(TokenUse::Id)),
    ("any", AllowedUse::Any),
];
