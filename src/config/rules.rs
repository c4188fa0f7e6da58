//! What decides: required scopes and groups, and the folder of policies.

use super::reader::Reader;
use crate::{
    gateway::{self, ResponseFormat},
    policy::{Policies, Requirements, Rules},
};

pub(super) fn read(reader: &mut Reader<'_>) -> Rules {
    Rules {
        requirements: Requirements {
            scopes: reader.names("REQUIRED_SCOPES").unwrap_or_default(),
            groups: reader.names("REQUIRED_GROUPS").unwrap_or_default(),
        },
        policies: read_policies(reader),
    }
}

/// Every problem of the policies is one of the variable.
#[cfg(feature = "cedar")]
fn read_policies(reader: &mut Reader<'_>) -> Option<Policies> {
    let folder = reader.text("POLICIES")?;
    let policies = Policies::load(folder.as_ref());
    let policies = policies.map_err(|problems| {
        problems.0.into_iter().for_each(|problem| reader.problem("POLICIES", problem.to_string()));
    });
    policies.ok()
}

/// A document speaks of every route, and must fit. An answer that says yes or no has none.
pub(super) fn check_size(reader: &mut Reader<'_>, rules: &Rules, format: ResponseFormat) {
    let policies = rules.policies.as_ref().filter(|_| format == ResponseFormat::Iam);
    if let Some(Err(error)) = policies.map(|policies| gateway::check_size(policies.routes())) {
        reader.problem("POLICIES", error.to_string());
    }
}

#[cfg(not(feature = "cedar"))]
fn read_policies(reader: &mut Reader<'_>) -> Option<Policies> {
    if reader.text("POLICIES").is_some() {
        reader.problem(
            "POLICIES",
            "this build has no rules per route: unset it, or build with the feature cedar",
        );
    }
    None
}
