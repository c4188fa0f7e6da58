//! Whose tokens are accepted: user pools, and other OpenID Connect providers.

use serde_json::{Map, Value};

use super::{
    keys::{Keys, parse_url, read_file, read_keys, usual_address},
    pool_id::parse_pool_id,
    reader::Reader,
};
use crate::token::{
    Algorithm, AllowedClients, AllowedUse, IssuerSettings, JwksUrl, KeySet, KeySourceSettings, TokenRules,
    TokenUse, parse_value,
};

/// The issuers, and the key sources that they refer to.
pub(super) fn read(reader: &mut Reader<'_>) -> (Vec<IssuerSettings>, Vec<KeySourceSettings>) {
    let mut trusted = Trusted::default();
    match reader.text("ISSUERS") {
        Some(text) => trusted.read_list(reader, &text),
        None => trusted.read_pools(reader),
    }
    trusted.check_distinct(reader);
    (trusted.issuers, trusted.key_sources)
}

#[derive(Default)]
struct Trusted {
    issuers: Vec<IssuerSettings>,
    key_sources: Vec<KeySourceSettings>,
}

impl Trusted {
    /// `USER_POOL_ID`, `CLIENT_ID` and `TOKEN_USE`.
    fn read_pools(&mut self, reader: &mut Reader<'_>) {
        let pools = reader.list("USER_POOL_ID");
        let clients = reader.list("CLIENT_ID");
        let token_use = reader.choice("TOKEN_USE", DEFAULT_USE, &TOKEN_USES);
        let keys = read_keys(reader, "JWKS_URI", "JWKS_FILE");
        let Some(pools) = pools else {
            return reader.problem("USER_POOL_ID", "is required unless ISSUERS is set");
        };
        let clients = match clients {
            Some(clients) => read_clients(reader, "CLIENT_ID", clients),
            None => {
                return reader.problem("CLIENT_ID", "is required with USER_POOL_ID; * accepts any client");
            }
        };
        if pools.len() > 1 && (keys.url.is_some() || keys.file.is_some()) {
            let text =
                "JWKS_URI and JWKS_FILE are for one pool: with several, use ISSUERS and give each its own";
            return reader.problem("USER_POOL_ID", text);
        }
        for pool in &pools {
            let rules = TokenRules::UserPool { clients: clients.clone(), token_use, audiences: Vec::new() };
            self.add_pool(reader, "USER_POOL_ID", pool, &rules, &keys);
        }
    }

    /// `ISSUERS`.
    fn read_list(&mut self, reader: &mut Reader<'_>, text: &str) {
        for name in ["USER_POOL_ID", "CLIENT_ID", "TOKEN_USE"] {
            if reader.text(name).is_some() {
                reader.problem(name, "has no place beside ISSUERS: put it into the entries");
            }
        }
        let Ok(Value::Array(entries)) = parse_value(text.as_bytes()) else {
            return reader.problem("ISSUERS", "must be a json list of objects that name nothing twice");
        };
        if entries.is_empty() {
            reader.problem("ISSUERS", "is an empty list: name at least one issuer");
        }
        let shared = read_keys(reader, "JWKS_URI", "JWKS_FILE");
        if entries.len() > 1 && (shared.url.is_some() || shared.file.is_some()) {
            let text = "JWKS_URI and JWKS_FILE are for one issuer: give each entry its jwks_uri or jwks_file";
            reader.problem("ISSUERS", text);
        }
        for (position, entry) in entries.into_iter().enumerate() {
            let place = format!("ISSUERS[{position}]");
            match entry {
                Value::Object(fields) => self.read_entry(reader, Entry { place, fields }, &shared),
                _ => reader.problem(place, "must be an object"),
            }
        }
    }

    fn read_entry(&mut self, reader: &mut Reader<'_>, mut entry: Entry, shared: &Keys) {
        let own = entry.keys(reader);
        let keys = Keys { url: own.url.or(shared.url.clone()), file: own.file.or(shared.file.clone()) };
        match (entry.text(reader, "user_pool_id"), entry.text(reader, "issuer")) {
            (Some(pool), None) => {
                let rules = entry.pool_rules(reader);
                self.add_pool(reader, &entry.at("user_pool_id"), &pool, &rules, &keys);
            }
            (None, Some(issuer)) => {
                let algorithms = entry.algorithms(reader);
                let rules = TokenRules::OpenIdConnect { audiences: entry.required_list(reader, "audiences") };
                self.add_provider(reader, &entry.at("issuer"), issuer, rules, &algorithms, &keys);
            }
            _ => reader.problem(&entry.place, "needs either user_pool_id or issuer"),
        }
        for name in entry.fields.keys() {
            reader.problem(format!("{}.{name}", entry.place), "is not known for this kind of issuer");
        }
    }

    /// A pool is trusted under both of its issuer forms. Each form's keys are at its own address, unless one
    /// is given for both.
    fn add_pool(
        &mut self,
        reader: &mut Reader<'_>,
        place: &str,
        pool: &str,
        rules: &TokenRules,
        keys: &Keys,
    ) {
        let Some((region, suffix)) = parse_pool_id(pool) else {
            return reader.problem(place, "must be user pool ids such as eu-west-1_AbCdEf123");
        };
        let forms = ["cognito-idp", "issuer-cognito-idp"];
        let issuers = forms.map(|form| format!("https://{form}.{region}.{suffix}/{pool}"));
        let shared = keys.url.as_ref().and_then(|url| self.add_keys(reader, url.clone(), keys, RS256));
        for issuer in issuers {
            let key_source = match shared {
                Some(shared) => Some(shared),
                None => usual_address(&issuer).and_then(|url| self.add_keys(reader, url, keys, RS256)),
            };
            let Some(key_source) = key_source else { return };
            self.issuers.push(IssuerSettings { issuer, key_source, rules: rules.clone() });
        }
    }

    fn add_provider(
        &mut self,
        reader: &mut Reader<'_>,
        place: &str,
        issuer: String,
        rules: TokenRules,
        algorithms: &[Algorithm],
        keys: &Keys,
    ) {
        if JwksUrl::parse(&issuer).is_err() || issuer.contains('?') {
            return reader.problem(place, "must be an https url without query and fragment");
        }
        let Some(url) = keys.url.clone().or_else(|| usual_address(&issuer)) else { return };
        if let Some(key_source) = self.add_keys(reader, url, keys, algorithms) {
            self.issuers.push(IssuerSettings { issuer, key_source, rules });
        }
    }

    /// The position of a new key source, or `None` where its file is no key set.
    fn add_keys(
        &mut self,
        reader: &mut Reader<'_>,
        url: JwksUrl,
        keys: &Keys,
        algorithms: &[Algorithm],
    ) -> Option<usize> {
        let preloaded = match &keys.file {
            None => None,
            Some(file) => match KeySet::parse(&file.content, algorithms) {
                Ok(preloaded) => Some(preloaded),
                Err(error) => {
                    reader.problem(&file.place, format!("names a file that cannot be used: {error}"));
                    return None;
                }
            },
        };
        self.key_sources.push(KeySourceSettings { url, algorithms: algorithms.to_vec(), preloaded });
        Some(self.key_sources.len() - 1)
    }

    fn check_distinct(&self, reader: &mut Reader<'_>) {
        let is_repeated = |(position, issuer): (usize, &IssuerSettings)| {
            self.issuers.iter().skip(position + 1).any(|other| other.issuer == issuer.issuer)
        };
        if self.issuers.iter().enumerate().any(is_repeated) {
            reader.problem("ISSUERS", "names an issuer twice");
        }
    }
}

/// One object of `ISSUERS`. Fields are taken out as they are read: what is left is not known.
struct Entry {
    place: String,
    fields: Map<String, Value>,
}

impl Entry {
    fn at(&self, field: &str) -> String {
        format!("{}.{field}", self.place)
    }

    fn text(&mut self, reader: &mut Reader<'_>, field: &str) -> Option<String> {
        match self.fields.remove(field)? {
            Value::String(text) if !text.is_empty() => Some(text),
            _ => {
                reader.problem(self.at(field), "must be a string that is not empty");
                None
            }
        }
    }

    fn list(&mut self, reader: &mut Reader<'_>, field: &str) -> Option<Vec<String>> {
        let Some(list) = strings(&self.fields.remove(field)?) else {
            reader.problem(self.at(field), "must be a list of strings");
            return None;
        };
        reader.check_list(&self.at(field), list)
    }

    fn required_list(&mut self, reader: &mut Reader<'_>, field: &str) -> Vec<String> {
        if !self.fields.contains_key(field) {
            reader.problem(self.at(field), "is required");
        }
        self.list(reader, field).unwrap_or_default()
    }

    fn pool_rules(&mut self, reader: &mut Reader<'_>) -> TokenRules {
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
        TokenRules::UserPool {
            clients: read_clients(reader, &self.at("client_ids"), clients),
            token_use,
            audiences: self.list(reader, "audiences").unwrap_or_default(),
        }
    }

    fn algorithms(&mut self, reader: &mut Reader<'_>) -> Vec<Algorithm> {
        let Some(names) = self.list(reader, "algorithms") else { return RS256.to_vec() };
        let known: Option<Vec<_>> = names.iter().map(|name| Algorithm::from_name(name)).collect();
        known.unwrap_or_else(|| {
            let all = Algorithm::ALL.map(Algorithm::name).join(", ");
            reader.problem(self.at("algorithms"), format!("must be some of {all}"));
            Vec::new()
        })
    }

    fn keys(&mut self, reader: &mut Reader<'_>) -> Keys {
        let url = self.text(reader, "jwks_uri");
        let file = self.text(reader, "jwks_file");
        Keys {
            url: url.and_then(|url| parse_url(reader, &self.at("jwks_uri"), &url)),
            file: file.and_then(|file| read_file(reader, &self.at("jwks_file"), &file)),
        }
    }
}

/// `*` accepts any client and stands alone.
fn read_clients(reader: &mut Reader<'_>, place: &str, clients: Vec<String>) -> AllowedClients {
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

/// A list that holds nothing but strings.
pub(super) fn strings(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}

/// Cognito signs with nothing else.
const RS256: &[Algorithm] = &[Algorithm::RS256];

const DEFAULT_USE: AllowedUse = AllowedUse::Only(TokenUse::Access);

const TOKEN_USES: [(&str, AllowedUse); 3] = [
    ("access", AllowedUse::Only(TokenUse::Access)),
    ("id", AllowedUse::Only(TokenUse::Id)),
    ("any", AllowedUse::Any),
];
