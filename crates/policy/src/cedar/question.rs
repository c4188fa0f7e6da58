//! What Cedar is asked for one token.
//!
//! A request for one route differs from a request for another by its action, and by what the schema declares
//! of an access token's claims there. A policy that looks at neither beyond its scope holds for every route of
//! its scope or for none. So each is asked about once, in a request for one route that stands for the others;
//! policies that can share a request do. What is asked stays as it was written.

use std::collections::HashMap;

use cedar_policy::{
    AuthorizationError, Authorizer, Effect, Entities, EvaluationError, Policy, PolicyId, PolicySet, Request,
};

use crate::rulings::FailureReason;

/// A policy, and routes for which asking about it once is enough.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) policy: Policy,
    /// Positions of routes; at least one.
    pub(super) routes: Vec<usize>,
}

/// What asking about a rule gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Finding {
    /// It does not hold.
    Unmet,
    /// It holds.
    Met,
    /// It could not be evaluated.
    Failed(FailureReason),
}

/// One request, and the policies that are asked about with it.
#[derive(Debug, Default)]
pub(super) struct Question {
    /// The position of the route that stands for the others.
    pub(super) route: usize,
    /// Apart from the others, since Cedar names the policies that permit only where none forbids.
    permits: PolicySet,
    forbids: PolicySet,
    /// Positions of rules.
    rules: HashMap<PolicyId, usize>,
}

/// Few questions that ask about every rule once: again and again, the route is taken that can stand for most
/// of the rules that are left.
pub(super) fn group(rules: &[Rule]) -> Vec<Question> {
    let mut left: Vec<(usize, &Rule)> = rules.iter().enumerate().collect();
    let mut questions = Vec::new();
    while let Some(route) = most_common(left.iter().flat_map(|(_, rule)| &rule.routes)) {
        let (taken, others) = left.into_iter().partition(|(_, rule)| rule.routes.contains(&route));
        questions.push(Question::new(route, taken));
        left = others;
    }
    questions
}

fn most_common<'r>(routes: impl Iterator<Item = &'r usize>) -> Option<usize> {
    let mut counts: HashMap<usize, usize> = HashMap::new();
    for route in routes {
        *counts.entry(*route).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(route, count)| (*count, usize::MAX - route)).map(|(route, _)| route)
}

impl Question {
    fn new(route: usize, rules: Vec<(usize, &Rule)>) -> Self {
        let policies = |effect| {
            let of_it = rules.iter().filter(|(_, rule)| rule.policy.effect() == effect);
            // Ids are known to be distinct, which is all that could fail. What is not asked about stays failed.
            PolicySet::from_policies(of_it.map(|(_, rule)| rule.policy.clone())).unwrap_or_default()
        };
        let (permits, forbids) = (policies(Effect::Permit), policies(Effect::Forbid));
        let rules = rules.into_iter().map(|(position, rule)| (rule.policy.id().clone(), position)).collect();
        Self { route, permits, forbids, rules }
    }

    /// Asks, and notes what it finds of each rule at the rule's position.
    pub(super) fn ask(
        &self,
        authorizer: &Authorizer,
        request: &Request,
        entities: &Entities,
        findings: &mut [Finding],
    ) {
        let mut note = |id: &PolicyId, finding| {
            if let Some(noted) = self.rules.get(id).and_then(|position| findings.get_mut(*position)) {
                *noted = finding;
            }
        };
        for policies in [&self.permits, &self.forbids].into_iter().filter(|policies| !policies.is_empty()) {
            policies.policies().for_each(|policy| note(policy.id(), Finding::Unmet));
            let response = authorizer.is_authorized(request, policies, entities);
            response.diagnostics().reason().for_each(|id| note(id, Finding::Met));
            for AuthorizationError::PolicyEvaluationError(error) in response.diagnostics().errors() {
                note(error.policy_id(), Finding::Failed(reason(error.inner())));
            }
        }
    }
}

/// Cedar's message is left behind: it may quote a claim's value.
fn reason(error: &EvaluationError) -> FailureReason {
    match error {
        EvaluationError::EntityAttrDoesNotExist(_) | EvaluationError::RecordAttrDoesNotExist(_) => {
            FailureReason::ClaimAbsent
        }
        EvaluationError::IntegerOverflow(_) => FailureReason::Overflow,
        EvaluationError::FailedExtensionFunctionExecution(_) => FailureReason::Extension,
        _ => FailureReason::Other,
    }
}
