//! What decides: required scopes and groups, and the folder of policies.

use super::reader::Reader;
#[cfg(feature = "cedar")]
use crate::gateway::check_size;
use crate::policy::{Policies, Requirements, Rules};

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
    let policies = policies.ok()?;
    if let Err(error) = check_size(policies.routes()) {
        reader.problem("POLICIES", error.to_string());
    }
    Some(policies)
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
