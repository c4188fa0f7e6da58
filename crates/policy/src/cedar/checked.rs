//! Policies that passed every check, as data that is quickly read: no text to parse, nothing to validate.
//!
//! Reading Cedar's text and validating it costs a cold start more than all else together. Both can be done
//! once, before deployment: what comes of it stands in `checked.json` beside the files that it was made from,
//! under a seal over these and itself. A changed file breaks the seal.

use aws_lc_rs::digest::{Context, SHA256};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cedar_policy::{Policy, PolicyId, get_sdk_version};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    Policies,
    problem::{PolicyError, PolicyProblems, Source},
    schema::{self, Schematic},
    statement,
};

/// Everything that policies and their schema say.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Checked {
    schema: Schematic,
    policies: Vec<CheckedPolicy>,
}

#[derive(Debug, Serialize, Deserialize)]
struct CheckedPolicy {
    id: String,
    looks_at_action: bool,
    /// In Cedar's JSON form.
    policy: serde_json::Value,
}

/// `checked.json`.
#[derive(Serialize, Deserialize)]
struct File<'f> {
    seal: String,
    #[serde(borrow)]
    checked: &'f RawValue,
}

impl Checked {
    /// Reads a schema and policies, and checks both.
    pub(super) fn of(schema: Source<'_>, policies: &[Source<'_>]) -> Result<Self, PolicyProblems> {
        let (validator, schematic, declarations) = schema::check(schema)?;
        let statements = statement::check(policies, &validator, &declarations)?;
        let policies = statements.into_iter().map(|statement| CheckedPolicy {
            id: statement.id(),
            looks_at_action: statement.looks_at_action,
            policy: statement.json,
        });
        Ok(Self { schema: schematic, policies: policies.collect() })
    }

    /// The content of `checked.json`. `None` if it cannot be written as JSON, which nothing in it prevents.
    pub(super) fn seal(&self, sources: &[Source<'_>]) -> Option<String> {
        let checked = serde_json::value::to_raw_value(self).ok()?;
        serde_json::to_string(&File { seal: seal(&checked, sources), checked: &checked }).ok()
    }

    /// Reads `checked.json`, if it was made from these sources by this version.
    pub(super) fn open(file: &str, sources: &[Source<'_>]) -> Result<Self, PolicyError> {
        let file: File<'_> = serde_json::from_str(file).map_err(|_| PolicyError::Unsealed)?;
        if file.seal != seal(file.checked, sources) {
            return Err(PolicyError::Unsealed);
        }
        serde_json::from_str(file.checked.get()).map_err(|_| PolicyError::Unsealed)
    }

    /// Makes them ready for use.
    pub(super) fn ready(self) -> Result<Policies, PolicyError> {
        let policies = self.policies.into_iter().map(|CheckedPolicy { id, looks_at_action, policy }| {
            let policy = Policy::from_json(Some(PolicyId::new(id)), policy);
            policy
                .map(|policy| (policy, looks_at_action))
                .map_err(|error| PolicyError::Syntax(error.to_string()))
        });
        let policies: Vec<_> = policies.collect::<Result<_, _>>()?;
        Ok(Policies::new(self.schema.declare()?, &policies))
    }
}

fn seal(checked: &RawValue, sources: &[Source<'_>]) -> String {
    let mut context = Context::new(&SHA256);
    let cedar = get_sdk_version().to_string();
    let parts = sources.iter().flat_map(|source| [source.file, source.text]);
    for part in [env!("CARGO_PKG_VERSION"), &cedar, checked.get()].into_iter().chain(parts) {
        // Lengths keep what stands in one part from being read as the next.
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        context.update(part.as_bytes());
    }
    URL_SAFE_NO_PAD.encode(context.finish())
}
