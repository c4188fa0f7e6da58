//! One route of an API: a verb and a path template, or a WebSocket API's route key.

use thiserror::Error;

/// A route as API Gateway knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    name: String,
    pub(super) steps: Vec<Step>,
}

/// What a route asks of one part of a request, the verb being the first part and the path's segments the
/// others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// This text, byte by byte.
    Literal(String),
    /// Any verb.
    AnyVerb,
    /// `{name}`: any one segment.
    Parameter,
    /// `{name+}`: one segment or more; and, alone, the route `$default`.
    Greedy,
}

/// Why a text names no route.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidRoute {
    /// Neither `verb /template` nor a route key.
    #[error("must be a lower-case verb or any, one space, and a path such as /orders/{{id}}; or $connect")]
    NotRoute,
    /// A segment that API Gateway does not take.
    #[error("has a segment that is neither plain text nor {{name}}")]
    Segment,
    /// A greedy parameter before the end.
    #[error("has a greedy parameter that is not its last segment")]
    GreedyInside,
    /// IAM takes 512 characters for a resource, its API and stage among them.
    #[error("is longer than an iam resource may be")]
    TooLong,
}

impl Route {
    /// Reads `get /orders/{id}`, `any /{proxy+}`, `$default` or `$connect`.
    pub fn parse(name: &str) -> Result<Self, InvalidRoute> {
        if name.len() > MAX_ROUTE_BYTES {
            return Err(InvalidRoute::TooLong);
        }
        let steps = match name {
            "$default" => vec![Step::Greedy],
            "$connect" => vec![Step::Literal(name.to_owned())],
            _ => parse_steps(name)?,
        };
        Ok(Self { name: name.to_owned(), steps })
    }

    /// The text that it was read from.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The pattern of its requests in an IAM resource, behind the stage and a slash. It matches more than the
    /// route does: IAM's `*` crosses `/`.
    pub fn pattern(&self) -> String {
        let parts: Vec<&str> = self.steps.iter().map(Step::pattern).collect();
        parts.join("/")
    }

    /// The pattern of its requests with a slash more.
    pub(super) fn slash_pattern(&self) -> String {
        format!("{}/", self.pattern())
    }

    /// This route for one verb; nothing where it has a verb already, or where `*` says no more than all verbs
    /// would.
    pub(super) fn with_each_verb(&self) -> Option<Vec<Self>> {
        match self.steps.as_slice() {
            [Step::AnyVerb, Step::Greedy] => None,
            [Step::AnyVerb, path @ ..] => {
                let with = |verb: &str| {
                    let verb = Step::Literal(verb.to_ascii_uppercase());
                    Self { name: self.name.clone(), steps: [&[verb], path].concat() }
                };
                Some(VERBS.map(with).to_vec())
            }
            _ => None,
        }
    }

    /// For each parameter: the pattern of requests that have several segments in its place, which IAM's `*`
    /// takes in and the route does not. A slash alone at the end is no segment.
    pub(super) fn overshoots(&self) -> Vec<(String, Vec<Step>)> {
        let last = self.steps.len().saturating_sub(1);
        let parameters = self.steps.iter().enumerate().filter(|(_, step)| **step == Step::Parameter);
        let overshoot = |(position, _): (usize, &Step)| {
            let more = if position == last { "?*" } else { "*" };
            let parts = self.steps.iter().enumerate().map(|(other, step)| match step {
                Step::Parameter if other == position => format!("*/{more}"),
                step => step.pattern().to_owned(),
            });
            let pattern = parts.collect::<Vec<_>>().join("/");
            let crossing = |step: &Step| if *step == Step::AnyVerb { Step::Greedy } else { step.clone() };
            let mut steps: Vec<Step> = self.steps.iter().map(crossing).collect();
            steps.insert(position, Step::Greedy);
            (pattern, steps)
        };
        parameters.map(overshoot).collect()
    }

    /// Whether both have the same requests: parameters may differ in their names.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        self.steps == other.steps
    }

    /// Whether a request fits, given as its verb and its path's segments; or fits but for a slash more.
    pub(super) fn serves(&self, parts: &[&str]) -> bool {
        self.serves_exactly(parts)
            || (self.may_end_in_slash()
                && parts
                    .split_last()
                    .is_some_and(|(last, parts)| last.is_empty() && self.serves_exactly(parts)))
    }

    /// Whether a request fits as it is.
    pub(super) fn serves_exactly(&self, parts: &[&str]) -> bool {
        let fits = self.steps.iter().zip(parts).all(|(step, part)| step.fits(part));
        let is_greedy = self.steps.last() == Some(&Step::Greedy);
        fits && (parts.len() == self.steps.len() || (is_greedy && parts.len() > self.steps.len()))
    }

    /// Whether it ends in plain text, so that a request with a slash more may be taken to it as well.
    pub(super) fn may_end_in_slash(&self) -> bool {
        self.steps.len() > 1 && matches!(self.steps.last(), Some(Step::Literal(text)) if !text.is_empty())
    }

    /// The order in which API Gateway prefers routes that fit a request, least first: segment by segment exact
    /// over parameter over greedy, then the named verb over any.
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>
    pub(super) fn preference(&self) -> Vec<u8> {
        let mut path: Vec<u8> = self.steps.iter().skip(1).map(Step::rank).collect();
        match self.steps.as_slice() {
            [Step::Greedy] => path.push(u8::MAX),
            steps => path.extend(steps.first().map(Step::rank)),
        }
        path
    }
}

impl Step {
    fn pattern(&self) -> &str {
        match self {
            Self::Literal(text) => text,
            Self::AnyVerb | Self::Parameter | Self::Greedy => "*",
        }
    }

    fn fits(&self, part: &str) -> bool {
        match self {
            Self::Literal(text) => text == part,
            Self::AnyVerb | Self::Parameter | Self::Greedy => true,
        }
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Literal(_) => 0,
            Self::Parameter => 1,
            Self::Greedy => 2,
            Self::AnyVerb => 3,
        }
    }
}

fn parse_steps(name: &str) -> Result<Vec<Step>, InvalidRoute> {
    let (verb, template) = name.split_once(' ').ok_or(InvalidRoute::NotRoute)?;
    let path = template.strip_prefix('/').ok_or(InvalidRoute::NotRoute)?;
    let verb = match verb {
        "any" => Step::AnyVerb,
        verb if VERBS.contains(&verb) => Step::Literal(verb.to_ascii_uppercase()),
        _ => return Err(InvalidRoute::NotRoute),
    };
    let mut steps = vec![verb];
    if path.is_empty() {
        steps.push(Step::Literal(String::new()));
        return Ok(steps);
    }
    for segment in path.split('/') {
        if steps.last() == Some(&Step::Greedy) {
            return Err(InvalidRoute::GreedyInside);
        }
        steps.push(parse_segment(segment)?);
    }
    Ok(steps)
}

fn parse_segment(segment: &str) -> Result<Step, InvalidRoute> {
    let Some(parameter) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        return is_plain(segment).then(|| Step::Literal(segment.to_owned())).ok_or(InvalidRoute::Segment);
    };
    let (name, step) = match parameter.strip_suffix('+') {
        Some(name) => (name, Step::Greedy),
        None => (parameter, Step::Parameter),
    };
    is_plain(name).then_some(step).ok_or(InvalidRoute::Segment)
}

/// Nothing that IAM would read as a pattern or a variable, and nothing that arrives percent-encoded.
fn is_plain(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:@!,;=+".contains(&byte);
    !text.is_empty() && text.bytes().all(plain)
}

/// Whether IAM's `wider` matches everything that `pattern` matches. A `*` in `pattern` may be any text, which
/// only a `*` matches.
pub(super) fn is_covered_by(pattern: &str, wider: &str) -> bool {
    let Some((head, rest)) = wider.split_once('*') else { return pattern == wider };
    let Some(mut left) = pattern.strip_prefix(head) else { return false };
    let (middle, tail) = rest.rsplit_once('*').map_or((None, rest), |(middle, tail)| (Some(middle), tail));
    for part in middle.into_iter().flat_map(|middle| middle.split('*')) {
        let Some((_, after)) = left.split_once(part) else { return false };
        left = after;
    }
    left.ends_with(tail)
}

const VERBS: [&str; 7] = ["delete", "get", "head", "options", "patch", "post", "put"];

/// What 512 characters for a resource leave beside the longest ARN in front of it: 24 of partition and region,
/// 12 of account, 10 of API, 128 of stage, and what stands between.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html>
const MAX_ROUTE_BYTES: usize = 300;
