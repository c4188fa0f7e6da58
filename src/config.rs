//! The environment, read, checked and turned into ready parts. The only file that reads it; every problem
//! found is reported at once.

mod entry;
mod issuers;
mod keys;
mod pool_id;
mod reader;
mod rules;

use std::{ffi::OsString, fmt, sync::Arc, time::Duration};

use reader::Reader;

use crate::{
    authorizer::AuthorizerSettings,
    gateway::{Answerer, ContextClaims, Refusal, ResponseFormat, TokenSource},
    policy::Policies,
    telemetry::{Level, LogFormat, TelemetrySettings},
    token::{Authorities, KeyCacheSettings, VerifierSettings},
};

/// Everything that the environment says.
#[derive(Debug)]
pub struct Config {
    /// What the authorizer is made of.
    pub authorizer: AuthorizerSettings,
    /// Who is trusted to certify the hosts that keys are fetched from.
    pub authorities: Authorities,
    /// How it logs.
    pub telemetry: TelemetrySettings,
    /// What may be meant and is worth a look, for the log.
    pub notices: Vec<String>,
}

/// A setting that cannot be meant. Names its variable and what would be right, and quotes no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The variable, with a position in it where it is a list of objects.
    pub variable: String,
    /// What is wrong, and what would be right.
    pub text: String,
}

/// Every problem of a configuration; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Config {
    /// Reads the process's environment.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn from_env() -> Result<Self, Problems> {
        Self::read(&|name| std::env::var_os(name))
    }

    /// Reads variables through `lookup`, and the key files that they name.
    pub fn read(lookup: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, Problems> {
        let mut reader = Reader::new(lookup);
        let telemetry = read_telemetry(lookup, &mut reader);
        let authorizer = AuthorizerSettings {
            verifier: read_verifier(&mut reader),
            token_sources: read_token_sources(&mut reader),
            rules: rules::read(&mut reader),
            answerer: read_answerer(&mut reader),
            refusal: reader.choice(
                "REFUSAL",
                Refusal::Unauthorized,
                &[("unauthorized", Refusal::Unauthorized), ("deny", Refusal::Deny)],
            ),
        };
        let authorities = keys::read_authorities(&mut reader, "JWKS_CA_FILE");
        rules::check_size(&mut reader, &authorizer.rules, authorizer.answerer.format);
        let notices = notice_strangers(&authorizer);
        reader.finish(Self { authorizer, authorities, telemetry, notices })
    }
}

/// Policies that name users or groups of a pool whose tokens are not accepted: shared with another stage, or
/// mistaken.
fn notice_strangers(authorizer: &AuthorizerSettings) -> Vec<String> {
    let issuers = &authorizer.verifier.issuers;
    let is_accepted = |pool: &String| {
        issuers.iter().any(|it| it.issuer == *pool || it.issuer.ends_with(&format!("/{pool}")))
    };
    let pools = authorizer.rules.policies.as_ref().map(Policies::pools).unwrap_or_default();
    let strangers = pools.into_iter().filter(|pool| !is_accepted(pool));
    strangers.map(|pool| format!("policies name {pool}, whose tokens are not accepted here")).collect()
}

fn read_verifier(reader: &mut Reader<'_>) -> VerifierSettings {
    let issuers = issuers::read(reader);
    let key_cache = KeyCacheSettings {
        ttl: reader.seconds("JWKS_TTL_SECONDS", 3_600, 1, YEAR_SECONDS),
        max_stale: reader.seconds("JWKS_MAX_STALE_SECONDS", 86_400, 1, YEAR_SECONDS),
        cooldown: reader.seconds("JWKS_COOLDOWN_SECONDS", 10, 1, 3_600),
    };
    if key_cache.max_stale < key_cache.ttl {
        reader.problem("JWKS_MAX_STALE_SECONDS", "must not be less than JWKS_TTL_SECONDS");
    }
    if key_cache.max_stale <= key_cache.cooldown {
        reader.problem("JWKS_COOLDOWN_SECONDS", "must be less than JWKS_MAX_STALE_SECONDS");
    }
    VerifierSettings {
        issuers,
        key_cache,
        fetch_timeout: Duration::from_millis(reader.number("JWKS_TIMEOUT_MS", 3_000, 10, MAX_TIMEOUT_MS)),
        clock_skew_seconds: reader.number("CLOCK_SKEW_SECONDS", 0, 0, 300),
        token_cache_size: reader.size("TOKEN_CACHE_SIZE", 512, MAX_REMEMBERED_TOKENS),
    }
}

fn read_token_sources(reader: &mut Reader<'_>) -> Vec<TokenSource> {
    let Some(sources) = reader.list("TOKEN_SOURCE") else {
        return vec![TokenSource::Header("authorization".to_owned())];
    };
    let mut parsed: Vec<TokenSource> = Vec::new();
    for (position, text) in sources.iter().enumerate() {
        match TokenSource::parse(text) {
            Ok(source) if parsed.contains(&source) => reader.problem("TOKEN_SOURCE", "names a header twice"),
            Ok(source) => parsed.push(source),
            Err(error) => reader.problem("TOKEN_SOURCE", format!("entry {} {error}", position + 1)),
        }
    }
    parsed
}

fn read_answerer(reader: &mut Reader<'_>) -> Answerer {
    let context = match reader.list("CONTEXT_CLAIMS") {
        None => ContextClaims::All,
        Some(names) if names == ["*"] => ContextClaims::All,
        Some(names) => {
            if names.iter().any(|name| name == "*") {
                reader.problem("CONTEXT_CLAIMS", "has * beside names: give either");
            }
            if names.iter().any(|name| name.contains(char::is_whitespace)) {
                reader
                    .problem("CONTEXT_CLAIMS", "has a name with white space in it: separate names by commas");
            }
            ContextClaims::Listed(names)
        }
    };
    let formats = [("iam", ResponseFormat::Iam), ("simple", ResponseFormat::Simple)];
    Answerer {
        context,
        principal_id_claim: reader.word("PRINCIPAL_ID_CLAIM").unwrap_or_else(|| "sub".to_owned()),
        usage_identifier_key_claim: reader.word("USAGE_IDENTIFIER_KEY_CLAIM"),
        format: reader.choice("RESPONSE_FORMAT", ResponseFormat::Iam, &formats),
    }
}

fn read_telemetry(lookup: &dyn Fn(&str) -> Option<OsString>, reader: &mut Reader<'_>) -> TelemetrySettings {
    // Lambda sets these two, and users cannot. A word that is not known yet must not stop the function.
    let word = |name: &str| lookup(name).and_then(|value| value.into_string().ok()).unwrap_or_default();
    TelemetrySettings {
        level: match word("AWS_LAMBDA_LOG_LEVEL").as_str() {
            "TRACE" => Level::Trace,
            "DEBUG" => Level::Debug,
            "WARN" => Level::Warn,
            "ERROR" => Level::Error,
            "FATAL" => Level::Fatal,
            _ => Level::Info,
        },
        format: match word("AWS_LAMBDA_LOG_FORMAT").as_str() {
            "JSON" => LogFormat::Json,
            _ => LogFormat::Text,
        },
        metrics_namespace: read_namespace(reader),
    }
}

/// The one variable that may be empty: then there are no metrics.
fn read_namespace(reader: &mut Reader<'_>) -> Option<Arc<str>> {
    let namespace = match reader.text_or_empty("METRICS_NAMESPACE") {
        None => "CognitoAuthorizer".to_owned(),
        Some(text) if text.is_empty() => return None,
        Some(text) => text,
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_/#: ".contains(&byte);
    if namespace.len() > MAX_NAMESPACE_BYTES
        || !namespace.bytes().all(is_plain)
        || namespace.starts_with("AWS/")
    {
        reader.problem(
            "METRICS_NAMESPACE",
            "must be up to 255 letters, digits, spaces and . - _ / # : without AWS/ in front; or empty for no metrics",
        );
    }
    Some(namespace.into())
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.variable, self.text)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the configuration cannot be used")?;
        self.0.iter().try_for_each(|problem| write!(out, "\n  {problem}"))
    }
}

impl std::error::Error for Problems {}

/// Where the process runs: what Lambda sets for a custom runtime.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>
#[derive(Clone, Debug)]
pub struct Lambda {
    /// Host, port and perhaps a path of the Runtime API, without a scheme.
    pub runtime_api: String,
    /// Whether Lambda sends several events at once to one process, as on Managed Instances.
    pub is_concurrent: bool,
}

impl Lambda {
    /// `None` where the process was not started by Lambda, or by something that stands in for it.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn from_env() -> Option<Self> {
        // lambda_runtime panics where one of these is missing.
        let function = ["AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION"];
        let complete = function.iter().all(|name| std::env::var(name).is_ok());
        let memory = std::env::var("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").ok()?.parse::<i32>().ok();
        let runtime_api = std::env::var("AWS_LAMBDA_RUNTIME_API").ok()?;
        let runtime_api = runtime_api.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let concurrency = std::env::var("AWS_LAMBDA_MAX_CONCURRENCY").ok().and_then(|text| text.parse().ok());
        let is_concurrent = concurrency.is_some_and(|most: u32| most > 1);
        (complete && memory.is_some()).then_some(Self { runtime_api, is_concurrent })
    }
}

/// The most that an age may be set to: no key set is meant to serve for longer than a year.
const YEAR_SECONDS: u64 = 31_536_000;

/// A fetch must leave time to answer within API Gateway's 10 s.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
const MAX_TIMEOUT_MS: u64 = 8_000;

/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html>
const MAX_NAMESPACE_BYTES: usize = 255;

/// A remembered token takes a few kilobytes; Lambda functions start at 128 MB.
const MAX_REMEMBERED_TOKENS: u16 = 10_000;
