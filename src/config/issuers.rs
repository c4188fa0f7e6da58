//! Whose tokens are accepted: user pools, and other OpenID Connect providers.

use serde_json::{Map, Value};

use super::reader::Reader;
use crate::token::{
    Algorithm, AllowedClients, AllowedUse, IssuerSettings, JwksUrl, KeySet, KeySourceSettings,
    MAX_JWKS_BYTES, TokenRules, TokenUse, parse_value,
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

/// Where an issuer's keys are, if not where they usually are.
struct Keys {
    url: Option<JwksUrl>,
    file: Option<KeyFile>,
}

/// A key file's content, and the variable or field that names the file.
#[derive(Clone)]
struct KeyFile {
    place: String,
    content: Vec<u8>,
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

fn read_keys(reader: &mut Reader<'_>, url: &str, file: &str) -> Keys {
    Keys {
        url: reader.text(url).and_then(|text| parse_url(reader, url, &text)),
        file: reader.text(file).and_then(|path| read_file(reader, file, &path)),
    }
}

fn parse_url(reader: &mut Reader<'_>, place: &str, text: &str) -> Option<JwksUrl> {
    let url = JwksUrl::parse(text);
    url.map_err(|error| reader.problem(place, error.to_string())).ok()
}

fn read_file(reader: &mut Reader<'_>, place: &str, path: &str) -> Option<KeyFile> {
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

/// The region and DNS suffix of a pool id, if it has the form that Cognito gives it.
/// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UserPoolType.html>
fn parse_pool_id(pool: &str) -> Option<(&str, &'static str)> {
    let (region, id) = pool.split_once('_')?;
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let is_region = region.contains('-') && region.split('-').all(is_part);
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_region && is_id && pool.len() <= MAX_POOL_ID_BYTES).then(|| (region, dns_suffix(region)))
}

/// The suffix of the region's partition, as the AWS SDKs' endpoint rules have it.
/// <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>
fn dns_suffix(region: &str) -> &'static str {
    const SUFFIXES: [(&str, &str); 6] = [
        ("cn-", "amazonaws.com.cn"),
        ("eusc-", "amazonaws.eu"),
        ("us-iso-", "c2s.ic.gov"),
        ("us-isob-", "sc2s.sgov.gov"),
        ("us-isof-", "csp.hci.ic.gov"),
        ("eu-isoe-", "cloud.adc-e.uk"),
    ];
    let found = SUFFIXES.iter().find(|(prefix, _)| region.starts_with(prefix));
    found.map_or("amazonaws.com", |(_, suffix)| suffix)
}

/// Where Cognito, and most providers, publish an issuer's keys.
fn usual_address(issuer: &str) -> Option<JwksUrl> {
    JwksUrl::parse(&format!("{}/.well-known/jwks.json", issuer.trim_end_matches('/'))).ok()
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

/// `UserPoolIdType` of the Cognito API.
const MAX_POOL_ID_BYTES: usize = 55;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_id_gives_its_region_and_the_suffix_of_its_partition() {
        for (pool, region, suffix) in [
            ("eu-west-1_AbCdEf123", "eu-west-1", "amazonaws.com"),
            ("us-gov-west-1_AbCdEf123", "us-gov-west-1", "amazonaws.com"),
            ("cn-north-1_AbCdEf123", "cn-north-1", "amazonaws.com.cn"),
            ("eusc-de-east-1_AbCdEf123", "eusc-de-east-1", "amazonaws.eu"),
            ("us-iso-east-1_AbCdEf123", "us-iso-east-1", "c2s.ic.gov"),
            ("us-isob-east-1_AbCdEf123", "us-isob-east-1", "sc2s.sgov.gov"),
        ] {
            assert_eq!(parse_pool_id(pool), Some((region, suffix)), "{pool}");
        }
    }

    #[test]
    fn what_is_no_pool_id_is_refused() {
        for pool in [
            "",
            "eu-west-1",
            "_Abc",
            "eu-west-1_",
            "EU-WEST-1_Abc",
            "eu-west-1_Ab-c",
            "eu-west-1_Ab/c",
            "evil.com/eu-west-1_Abc",
            "eu west-1_Abc",
            "local_04nXY3Tq",
            "eu-west-1_A_b",
            "eu-west-1_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ] {
            assert_eq!(parse_pool_id(pool), None, "{pool}");
        }
    }
}
