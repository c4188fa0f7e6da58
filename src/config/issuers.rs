//! Whose tokens are accepted: user pools, and other OpenID Connect providers.

use std::sync::Arc;

use serde_json::Value;

use super::{
    entry::{DEFAULT_USE, Entry, TOKEN_USES, read_clients},
    keys::{Keys, is_issuer, is_pool, read_keys, usual_address},
    pool_id::{parse_pool_id, parse_region},
    reader::Reader,
};
use crate::token::{Algorithm, IssuerSettings, KeySet, KeySourceSettings, TokenRules, parse_value};

/// The issuers whose tokens are accepted.
pub(super) fn read(reader: &mut Reader<'_>) -> Vec<IssuerSettings> {
    let mut trusted = Trusted::default();
    match reader.text("ISSUERS") {
        Some(text) => trusted.read_list(reader, &text),
        None => trusted.read_pools(reader),
    }
    trusted.check_distinct(reader);
    trusted.issuers
}

#[derive(Default)]
struct Trusted {
    issuers: Vec<IssuerSettings>,
    /// Key sources that issuers with the same address share.
    key_sources: Vec<Arc<KeySourceSettings>>,
}

/// A user pool as it is configured.
struct Pool<'p> {
    /// The variable or field that names it.
    place: &'p str,
    id: &'p str,
    replica_regions: Vec<String>,
    rules: TokenRules,
}

impl Trusted {
    /// `USER_POOL_ID`, `CLIENT_ID` and `TOKEN_USE`.
    fn read_pools(&mut self, reader: &mut Reader<'_>) {
        let pools = reader.required_list("USER_POOL_ID", "is required unless ISSUERS is set");
        let clients =
            reader.required_list("CLIENT_ID", "is required with USER_POOL_ID; * accepts any client");
        let clients = read_clients(reader, "CLIENT_ID", clients);
        let token_use = reader.choice("TOKEN_USE", DEFAULT_USE, &TOKEN_USES);
        let keys = read_keys(reader, "JWKS_URI", "JWKS_FILE");
        if pools.len() > 1 && !keys.are_usual() {
            let text =
                "JWKS_URI and JWKS_FILE are for one pool: with several, use ISSUERS and give each its own";
            reader.problem("USER_POOL_ID", text);
        }
        for id in &pools {
            let rules = TokenRules::UserPool { clients: clients.clone(), token_use, audiences: Vec::new() };
            let pool = Pool { place: "USER_POOL_ID", id, replica_regions: Vec::new(), rules };
            self.add_pool(reader, &pool, &keys);
        }
    }

    /// `ISSUERS`.
    fn read_list(&mut self, reader: &mut Reader<'_>, text: &str) {
        for name in ["USER_POOL_ID", "CLIENT_ID", "TOKEN_USE"] {
            if reader.text(name).is_some() {
                reader.problem(name, "has no place beside ISSUERS: put it into the entries");
            }
        }
        let shared = read_keys(reader, "JWKS_URI", "JWKS_FILE");
        let Ok(Value::Array(entries)) = parse_value(text.as_bytes()) else {
            return reader.problem("ISSUERS", "must be a json list of objects that name nothing twice");
        };
        if entries.is_empty() {
            reader.problem("ISSUERS", "is an empty list: name at least one issuer");
        }
        if entries.len() > 1 && !shared.are_usual() {
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
        match (entry.has("user_pool_id"), entry.has("issuer")) {
            (true, false) => {
                let id = entry.text(reader, "user_pool_id");
                let replica_regions = entry.list(reader, "replica_regions").unwrap_or_default();
                let rules = entry.pool_rules(reader);
                let place = entry.at("user_pool_id");
                if let Some(id) = id {
                    self.add_pool(reader, &Pool { place: &place, id: &id, replica_regions, rules }, &keys);
                }
            }
            (false, true) => {
                let issuer = entry.text(reader, "issuer");
                let algorithms = entry.algorithms(reader);
                let rules = TokenRules::OpenIdConnect { audiences: entry.required_audiences(reader) };
                if let Some(issuer) = issuer {
                    self.add_provider(reader, &entry.at("issuer"), issuer, rules, &algorithms, &keys);
                }
            }
            _ => return reader.problem(&entry.place, "needs either user_pool_id or issuer"),
        }
        for name in entry.fields.keys() {
            reader.problem(format!("{}.{name}", entry.place), "is not known for this kind of issuer");
        }
    }

    /// A pool is trusted under both of its issuer forms, and under those of its replicas. Each has its keys at
    /// its own address, unless one is given for all.
    fn add_pool(&mut self, reader: &mut Reader<'_>, pool: &Pool<'_>, keys: &Keys) {
        let preloaded = keys.preload(reader, RS256);
        if pool.replica_regions.iter().any(|region| parse_region(region).is_none()) {
            reader.problem(pool.place, "has replica_regions that are not regions such as eu-west-1");
        }
        let Some((region, suffix)) = parse_pool_id(pool.id) else {
            return reader.problem(pool.place, "must be user pool ids such as eu-west-1_AbCdEf123");
        };
        let forms = ["cognito-idp", "issuer-cognito-idp"];
        let [older, newer] = forms.map(|form| format!("https://{form}.{region}.{suffix}/{}", pool.id));
        let mut keys_of = |issuer: &str| self.keys_of(issuer, keys, preloaded.as_ref(), RS256);
        let (Some(older_keys), Some(newer_keys)) = (keys_of(&older), keys_of(&newer)) else { return };
        for (issuer, keys, other) in [(older, &older_keys, &newer_keys), (newer, &newer_keys, &older_keys)] {
            // With one address for both forms there is nothing to tell them apart by.
            let other_form = (!Arc::ptr_eq(keys, other)).then(|| Arc::clone(other));
            let keys = Arc::clone(keys);
            self.issuers.push(IssuerSettings { issuer, keys, other_form, rules: pool.rules.clone() });
        }
        for region in &pool.replica_regions {
            self.add_replica(pool, region, keys, preloaded.as_ref());
        }
    }

    /// A replica's tokens name its own region's host, in the older form, and the primary's pool id.
    fn add_replica(&mut self, pool: &Pool<'_>, region: &str, keys: &Keys, preloaded: Option<&Arc<KeySet>>) {
        let Some(suffix) = parse_region(region) else { return };
        let issuer = format!("https://cognito-idp.{region}.{suffix}/{}", pool.id);
        if let Some(keys) = self.keys_of(&issuer, keys, preloaded, RS256) {
            self.issuers.push(IssuerSettings { issuer, keys, other_form: None, rules: pool.rules.clone() });
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
        let preloaded = keys.preload(reader, algorithms);
        if is_pool(&issuer) {
            return reader.problem(place, "is a user pool's: give its user_pool_id and client_ids instead");
        }
        if !is_issuer(&issuer) {
            let text = "must be a plain https url without query and fragment (http is allowed on a loopback address)";
            return reader.problem(place, text);
        }
        if let Some(keys) = self.keys_of(&issuer, keys, preloaded.as_ref(), algorithms) {
            self.issuers.push(IssuerSettings { issuer, keys, other_form: None, rules });
        }
    }

    /// The key source at an issuer's address: the one that is there already, or a new one.
    fn keys_of(
        &mut self,
        issuer: &str,
        keys: &Keys,
        preloaded: Option<&Arc<KeySet>>,
        algorithms: &[Algorithm],
    ) -> Option<Arc<KeySourceSettings>> {
        let url = keys.url.clone().or_else(|| usual_address(issuer))?;
        let preloaded = preloaded.cloned();
        let is_same = |other: &&Arc<KeySourceSettings>| {
            let is_same_file =
                other.preloaded.as_ref().map(Arc::as_ptr) == preloaded.as_ref().map(Arc::as_ptr);
            other.url == url && other.algorithms == algorithms && is_same_file
        };
        if let Some(same) = self.key_sources.iter().find(is_same) {
            return Some(Arc::clone(same));
        }
        let new = Arc::new(KeySourceSettings { url, algorithms: algorithms.to_vec(), preloaded });
        self.key_sources.push(Arc::clone(&new));
        Some(new)
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

/// Cognito signs with nothing else.
pub(super) const RS256: &[Algorithm] = &[Algorithm::RS256];
