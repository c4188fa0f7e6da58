//! Policies as they stand in their files, checked one by one and against the schema.

use std::collections::{HashMap, HashSet};

use cedar_policy::{Policy, PolicyId, PolicySet, Schema, ValidationMode, ValidationWarning, Validator};
use serde_json::Value;

use super::{
    claim_type::member,
    problem::{PolicyError, PolicyProblem, PolicyProblems, Source},
    schema::{Declarations, describe},
};

/// A policy and where it stands. Its id is its `@id`, else its file, line and, behind others, column.
pub(super) struct Statement<'s> {
    pub(super) policy: Policy,
    /// The policy in Cedar's JSON form.
    pub(super) json: Value,
    /// Whether its conditions look at the action, so that it may hold for one route of its scope and not for
    /// another.
    pub(super) looks_at_action: bool,
    source: Source<'s>,
    offset: Option<usize>,
    /// Whether it uses the context for anything but its `token`.
    reads_request: bool,
}

/// Reads and checks every policy of every file; gives them if nothing is wrong with any.
pub(super) fn check<'s>(
    sources: &[Source<'s>],
    schema: &Schema,
    declarations: &Declarations,
) -> Result<Vec<Statement<'s>>, PolicyProblems> {
    let (mut statements, mut problems) = (Vec::new(), Vec::new());
    for source in sources {
        match read_file(*source) {
            Ok(more) => statements.extend(more),
            Err(more) => problems.extend(more),
        }
    }
    let mut ids = HashSet::new();
    for statement in &statements {
        let error = if !ids.insert(statement.policy.id().clone()) {
            PolicyError::DuplicateId(statement.id())
        } else if statement.reads_request {
            PolicyError::ReadsRequest(statement.id())
        } else if let Some(entity) =
            statement.policy.entity_literals().iter().find(|it| declarations.is_nobody(it))
        {
            PolicyError::NamesNobody { policy: statement.id(), entity: entity.to_string() }
        } else {
            continue;
        };
        problems.push(statement.problem(error));
    }
    if problems.is_empty() && statements.is_empty() {
        let file = sources.first().map(|source| source.problem(None, PolicyError::NoPolicies));
        problems.extend(file);
    }
    if problems.is_empty() {
        problems = validate(&statements, schema);
    }
    if problems.is_empty() { Ok(statements) } else { Err(PolicyProblems(problems)) }
}

fn read_file(source: Source<'_>) -> Result<Vec<Statement<'_>>, Vec<PolicyProblem>> {
    let set: PolicySet = source.text.parse().map_err(|errors: cedar_policy::ParseErrors| {
        let problem =
            |error: &cedar_policy::ParseError| source.problem_at(error, PolicyError::Syntax(describe(error)));
        errors.iter().map(problem).collect::<Vec<_>>()
    })?;
    if let Some(template) = set.templates().next() {
        return Err(vec![source.problem(source.text.find(&template.to_cedar()), PolicyError::Template)]);
    }
    let mut policies: Vec<&Policy> = set.policies().collect();
    // Cedar calls them policy0, policy1 and so on, and gives them in no order.
    policies.sort_by_key(|policy| {
        let id: &str = policy.id().as_ref();
        (id.len(), id.to_owned())
    });
    let mut from = 0;
    policies
        .into_iter()
        .map(|policy| Statement::read(policy, source, &mut from).map_err(|error| vec![error]))
        .collect()
}

impl<'s> Statement<'s> {
    fn read(policy: &Policy, source: Source<'s>, from: &mut usize) -> Result<Self, PolicyProblem> {
        let text = policy.to_cedar().unwrap_or_default();
        let offset = source.text.get(*from..).and_then(|rest| rest.find(&text)).map(|found| *from + found);
        *from = offset.map_or(*from, |offset| offset + text.len());
        let id = policy.annotation("id").filter(|id| !id.is_empty());
        let id = id.map_or_else(|| source.place(offset), str::to_owned);
        let json = policy
            .to_json()
            .map_err(|error| source.problem(offset, PolicyError::Syntax(error.to_string())))?;
        Ok(Self {
            policy: policy.new_id(PolicyId::new(id)),
            looks_at_action: mentions(member(&json, "conditions"), "action"),
            reads_request: reads_request(&json),
            json,
            source,
            offset,
        })
    }

    pub(super) fn id(&self) -> String {
        self.policy.id().to_string()
    }

    fn problem(&self, error: PolicyError) -> PolicyProblem {
        self.source.problem(self.offset, error)
    }
}

/// Cedar's validator, strict. A policy that can never apply is a problem as well.
fn validate(statements: &[Statement<'_>], schema: &Schema) -> Vec<PolicyProblem> {
    let by_id: HashMap<&PolicyId, &Statement<'_>> =
        statements.iter().map(|statement| (statement.policy.id(), statement)).collect();
    let set = match PolicySet::from_policies(statements.iter().map(|statement| statement.policy.clone())) {
        Ok(set) => set,
        Err(error) => {
            let error = PolicyError::Syntax(error.to_string());
            return statements.first().map(|statement| statement.problem(error)).into_iter().collect();
        }
    };
    let result = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
    let errors = result.validation_errors().filter_map(|error| {
        let statement = by_id.get(error.policy_id())?;
        Some((error.policy_id(), statement.source.problem_at(error, PolicyError::Invalid(describe(error)))))
    });
    let never = result.validation_warnings().filter_map(|warning| match warning {
        ValidationWarning::ImpossiblePolicy(_) | ValidationWarning::InvalidActionApplication(_) => {
            let statement = by_id.get(warning.policy_id())?;
            Some((warning.policy_id(), statement.problem(PolicyError::NeverApplies(statement.id()))))
        }
        _ => None,
    });
    // Cedar says the same for every action, in no order; the first of each policy is enough to go on.
    let mut found: Vec<(&PolicyId, PolicyProblem)> = errors.collect();
    found.sort_by_key(|(id, problem)| (id.to_string(), problem.line, problem.to_string()));
    found.extend(never);
    let mut seen = HashSet::new();
    found.retain(|(id, _)| seen.insert(*id));
    let mut problems: Vec<PolicyProblem> = found.into_iter().map(|(_, problem)| problem).collect();
    problems.sort_by_key(|problem| (problem.file.clone(), problem.line));
    problems
}

/// Whether an expression uses the context for anything but its `token`. In Cedar's JSON form that is
/// `{"Var": "context"}` outside `{".": {"left": …, "attr": "token"}}` and the like.
/// <https://docs.cedarpolicy.com/policies/json-format.html>
fn reads_request(expression: &Value) -> bool {
    match expression {
        Value::Array(items) => items.iter().any(reads_request),
        Value::Object(members) => members.iter().any(|(name, value)| {
            let is_token = matches!(name.as_str(), "." | "has")
                && member(member(value, "left"), "Var") == "context"
                && first(member(value, "attr")) == "token";
            (name == "Var" && value == "context") || (!is_token && reads_request(value))
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// The name that `context has token` and `context has token.admin` ask for first.
fn first(attribute: &Value) -> &Value {
    attribute.get(0).unwrap_or(attribute)
}

/// Whether an expression in Cedar's JSON form uses a variable.
fn mentions(expression: &Value, variable: &str) -> bool {
    match expression {
        Value::Array(items) => items.iter().any(|item| mentions(item, variable)),
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| (name == "Var" && value == variable) || mentions(value, variable)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
