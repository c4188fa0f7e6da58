//! Rules per route, in Cedar.
//!
//! Entities follow Amazon Verified Permissions' API Gateway quick start: action `NS::Action::"get /orders/{id}"`,
//! principal `NS::User::"{pool}|{sub}"` with parents `NS::UserGroup::"{pool}|{group}"`, resource
//! `NS::Application::"NS"`. Claims of an id token are the principal's attributes; those of an access token
//! stand in `context.token`.
//! <https://docs.aws.amazon.com/verifiedpermissions/latest/userguide/identity-sources_map-token-to-schema.html>

mod checked;
mod claim_type;
mod folder;
mod principal;
mod problem;
mod question;
mod schema;
mod statement;

use std::{
    collections::BTreeSet,
    fmt,
    num::NonZeroUsize,
    sync::{Arc, Mutex},
};

use cedar_policy::{Authorizer, Context, Effect, Entities, EntityUid, Policy, Request};
use lru::LruCache;

use self::{
    checked::Checked,
    claim_type::ClaimTypes,
    principal::{Principals, context},
    question::{Finding, Question, Rule, group},
    schema::{Action, Declarations},
};
pub use self::{
    claim_type::InvalidClaimType,
    problem::{PolicyError, PolicyProblem, PolicyProblems, Source},
};
use super::{
    route_table::RouteTable,
    rulings::{Failure, FailureReason, Ruling, Rulings},
};
use cognito_authorizer_token::{Claims, lock};

/// Policies that are valid for their schema, and the routes that its actions name.
pub struct Policies {
    table: Arc<RouteTable>,
    /// In the order of the routes.
    actions: Vec<EntityUid>,
    /// Actions that are in others, with what they are in.
    hierarchy: Entities,
    resource: EntityUid,
    principals: Principals,
    /// The claims of an access token that are declared, in each way in which actions declare them.
    contexts: Vec<ClaimTypes>,
    rules: Vec<Rule>,
    /// With the position of each one's context.
    questions: Vec<(Question, usize)>,
    authorizer: Authorizer,
    /// Tokens about which the same is found share what follows from it.
    decided: Mutex<LruCache<Vec<Finding>, Arc<Rulings>>>,
}

impl Policies {
    /// Reads policies and their schema, which is Cedar's text or its JSON form, and validates them in strict
    /// mode. Gives every problem of the schema or else of the policies, by file and line.
    pub fn parse(schema: Source<'_>, policies: &[Source<'_>]) -> Result<Self, PolicyProblems> {
        Checked::of(schema, policies)?.ready().map_err(|error| schema.problem(None, error).into())
    }

    /// With each policy goes whether it looks at the action beyond its scope.
    fn new(declarations: Declarations, policies: &[(Policy, bool)]) -> Self {
        let Declarations { routes, actions, hierarchy, principals, resource } = declarations;
        let mut contexts: Vec<ClaimTypes> = Vec::new();
        for action in &actions {
            if !contexts.contains(&action.token) {
                contexts.push(action.token.clone());
            }
        }
        let mut rules = Vec::new();
        for context in &contexts {
            rules.extend(policies.iter().flat_map(|policy| rules_of(policy, &actions, context)));
        }
        let context_of = |question: &Question| {
            let token = actions.get(question.route).map(|action| &action.token);
            contexts.iter().position(|context| Some(context) == token).unwrap_or_default()
        };
        let questions = group(&rules).into_iter().map(|question| {
            let context = context_of(&question);
            (question, context)
        });
        Self {
            questions: questions.collect(),
            table: Arc::new(routes),
            actions: actions.into_iter().map(|action| action.uid).collect(),
            hierarchy,
            resource,
            principals,
            contexts,
            rules,
            authorizer: Authorizer::new(),
            decided: Mutex::new(LruCache::new(MAX_DECIDED)),
        }
    }

    /// The routes, in the order in which rulings on them are given.
    pub fn routes(&self) -> &RouteTable {
        &self.table
    }

    /// The pools, or issuers of other providers, whose users and groups policies name.
    pub fn pools(&self) -> BTreeSet<String> {
        let entities = self.rules.iter().flat_map(|rule| rule.policy.entity_literals());
        let pools = entities.filter(|entity| self.principals.has(entity));
        pools.filter_map(|entity| Some(entity.id().unescaped().split_once('|')?.0.to_owned())).collect()
    }

    /// Who the bearer is for policies, as Cedar writes it: `Shop::User::"{pool}|{sub}"`.
    pub fn principal(&self, claims: &Claims) -> String {
        self.principals.uid(claims).to_string()
    }

    /// Rules on every route at once; which one was asked for makes no difference.
    pub fn decide(&self, claims: &Claims) -> Arc<Rulings> {
        let findings = self.find(claims);
        if let Some(known) = lock(&self.decided).get(&findings) {
            return Arc::clone(known);
        }
        let rulings = Arc::new(self.conclude(&findings));
        lock(&self.decided).put(findings, Arc::clone(&rulings));
        rulings
    }

    /// What holds of each rule. What cannot be asked about has failed, and denies.
    fn find(&self, claims: &Claims) -> Vec<Finding> {
        let mut findings = vec![Finding::Failed(FailureReason::Other); self.rules.len()];
        let principal = self.principals.entity(claims);
        let Some((uid, entities)) = principal.and_then(|principal| {
            let uid = principal.uid();
            Some((uid, self.hierarchy.clone().add_entities([principal], None).ok()?))
        }) else {
            return findings;
        };
        let contexts: Vec<Option<Context>> =
            self.contexts.iter().map(|types| context(types, claims)).collect();
        for (question, context) in &self.questions {
            let context = contexts.get(*context).cloned().flatten();
            let action = self.actions.get(question.route).cloned();
            let request = action.zip(context).and_then(|(action, context)| {
                Request::new(uid.clone(), action, self.resource.clone(), context, None).ok()
            });
            if let Some(request) = request {
                question.ask(&self.authorizer, &request, &entities, &mut findings);
            }
        }
        findings
    }

    fn conclude(&self, findings: &[Finding]) -> Rulings {
        let mut rulings = vec![Ruling::default(); self.actions.len()];
        for (rule, finding) in self.rules.iter().zip(findings) {
            let policy: Arc<str> = match finding {
                Finding::Unmet => continue,
                Finding::Met | Finding::Failed(_) => rule.policy.id().to_string().into(),
            };
            for route in &rule.routes {
                let Some(ruling) = rulings.get_mut(*route) else { continue };
                let policy = Arc::clone(&policy);
                match (finding, rule.policy.effect()) {
                    (Finding::Failed(reason), _) => ruling.failed.push(Failure { policy, reason: *reason }),
                    (_, Effect::Permit) => ruling.permitted_by.push(policy),
                    (_, Effect::Forbid) => ruling.forbidden_by.push(policy),
                }
            }
        }
        Rulings::new(Arc::clone(&self.table), rulings)
    }
}

/// The rules that a policy makes for the routes that declare one set of claims: one for all of them, or, if it
/// looks at the action, one for each.
fn rules_of(
    (policy, looks_at_action): &(Policy, bool),
    actions: &[Action],
    context: &ClaimTypes,
) -> Vec<Rule> {
    let scope = policy.action_constraint();
    let is_about = |action: &Action| action.token == *context && action.is_in(&scope);
    let routes = actions.iter().enumerate().filter(|(_, action)| is_about(action));
    let routes: Vec<usize> = routes.map(|(route, _)| route).collect();
    let rule = |routes: Vec<usize>| Rule { policy: policy.clone(), routes };
    if *looks_at_action {
        routes.into_iter().map(|route| rule(vec![route])).collect()
    } else if routes.is_empty() {
        Vec::new()
    } else {
        vec![rule(routes)]
    }
}

impl fmt::Debug for Policies {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Policies").field("rules", &self.rules).finish_non_exhaustive()
    }
}

/// Tokens fall into few kinds, such as readers and administrators: each combination of policies that hold is
/// one.
const MAX_DECIDED: NonZeroUsize = NonZeroUsize::new(128).unwrap();
