//! Every route of an API, and what IAM's patterns make of them.

use thiserror::Error;

use super::{
    overlap::{TooComplex, by_preference},
    route::{InvalidRoute, Route},
    spelling::Spelling,
};

/// The routes of one API. For every verdict on each of them there is a set of patterns that says the same.
#[derive(Clone, Debug)]
pub struct RouteTable {
    routes: Vec<Route>,
    /// Positions of routes, the one first that API Gateway prefers.
    preferred: Vec<usize>,
    spelling: Spelling,
    is_precise: bool,
}

/// Patterns behind the stage and a slash: what is allowed, and what is denied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patterns {
    /// Allowed, unless denied.
    pub allow: Vec<String>,
    /// Denied, whatever is allowed.
    pub deny: Vec<String>,
}

/// Why routes make no table.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RouteTableError {
    /// A name that is none of a route.
    #[error("{name}: {error}")]
    Invalid {
        /// The name.
        name: String,
        /// What is wrong with it.
        error: InvalidRoute,
    },
    /// Two routes with the same requests, or the same route twice.
    #[error("{0} and {1} are the same route")]
    Same(String, String),
    /// With some verdicts on them, no patterns say what is meant.
    #[error(
        "iam cannot deny {denied}, which {cover} may allow, without denying {allowed} as well, since its * crosses /: \
         name a segment differently, write a greedy route out, or give one of them an api of its own"
    )]
    Inexpressible {
        /// The route whose Deny would reach too far.
        denied: String,
        /// A route that would need that Deny.
        cover: String,
        /// The route that it would close.
        allowed: String,
    },
    /// More overlaps than are worth looking at.
    #[error("the routes overlap in too many ways: use fewer parameters and greedy routes")]
    TooComplex,
}

impl RouteTable {
    /// Builds the table of the routes with these names.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<Self, RouteTableError> {
        let parse = |name: &str| {
            Route::parse(name).map_err(|error| RouteTableError::Invalid { name: name.to_owned(), error })
        };
        let routes: Vec<Route> = names.into_iter().map(parse).collect::<Result<_, _>>()?;
        check_distinct(&routes)?;
        let preferred = by_preference(&routes);
        let precise = Spelling::precise(&routes)?;
        let bytes: usize = precise.largest(AROUND_PATTERN_BYTES).map(|(_, bytes)| bytes).sum();
        let loose = if bytes > MAX_PATTERN_BYTES { Spelling::loose(&routes).ok() } else { None };
        let is_precise = loose.is_none();
        Ok(Self { spelling: loose.unwrap_or(precise), is_precise, routes, preferred })
    }

    /// Whether patterns keep out, as well as IAM can, requests that no route serves. Larger tables have patterns
    /// that fit into a document and match more of these.
    pub fn is_precise(&self) -> bool {
        self.is_precise
    }

    /// Names of routes that do not fit into a document, whatever the verdicts.
    pub fn too_many(&self) -> Vec<&str> {
        let mut total = 0;
        let mut too_many: Vec<&str> = Vec::new();
        for (owner, bytes) in self.spelling.largest(AROUND_PATTERN_BYTES) {
            total += bytes;
            let name = self.routes.get(owner).map(Route::name);
            too_many.extend(name.filter(|name| total > MAX_PATTERN_BYTES && too_many.last() != Some(name)));
        }
        too_many
    }

    /// The routes, in the order in which they were given.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The position of the route that serves a request, as API Gateway chooses: segment by segment exact over
    /// parameter over greedy, then the named verb over any. `request` is verb and path as an ARN has them,
    /// `GET/orders/42`, or `$connect`.
    ///
    /// REST APIs take `/orders/` to `/orders`, and so does this.
    pub fn serve(&self, request: &str) -> Option<usize> {
        self.choose(request, Route::serves)
    }

    /// The same, where a slash more makes another request.
    pub fn serve_exactly(&self, request: &str) -> Option<usize> {
        self.choose(request, Route::serves_exactly)
    }

    fn choose(&self, request: &str, serves: fn(&Route, &[&str]) -> bool) -> Option<usize> {
        let parts: Vec<&str> = request.split('/').collect();
        let serves =
            |position: &&usize| self.routes.get(**position).is_some_and(|route| serves(route, &parts));
        self.preferred.iter().find(serves).copied()
    }

    /// The position of the route that API Gateway calls `key`, such as `GET /orders/{id}`, or of the one with
    /// any verb and the same path. Names of parameters make no difference.
    pub fn find(&self, key: &str) -> Option<usize> {
        let (verb, path) = key.split_once(' ').unwrap_or((key, ""));
        let position = |verb: &str| {
            let name = if path.is_empty() { verb.to_owned() } else { format!("{verb} {path}") };
            let wanted = Route::parse(&name).ok()?;
            self.routes.iter().position(|route| route.is_same_as(&wanted))
        };
        position(&verb.to_ascii_lowercase()).or_else(|| position("any"))
    }

    /// Patterns for which IAM's verdict on a request is `is_allowed` of the position of the route that serves it.
    /// Where a parameter's value is plain text of another route, IAM may deny what is allowed, and never the other
    /// way round. What no route serves is allowed only where it has more segments than an allowed route with
    /// another one allowed below, or has them in the place of a parameter before an allowed greedy one, or where
    /// the table is not precise.
    ///
    /// What is denied is denied explicitly, since a resource policy may allow what nobody denies; a route is
    /// left to silence only where its pattern would close another that is allowed.
    pub fn patterns(&self, is_allowed: impl Fn(usize) -> bool) -> Patterns {
        let verdicts: Vec<bool> = (0..self.routes.len()).map(is_allowed).collect();
        self.spelling.patterns(&verdicts)
    }
}

impl From<TooComplex> for RouteTableError {
    fn from(TooComplex: TooComplex) -> Self {
        Self::TooComplex
    }
}

/// Two templates that differ in the names of their parameters alone are one route.
fn check_distinct(routes: &[Route]) -> Result<(), RouteTableError> {
    for (position, route) in routes.iter().enumerate() {
        if let Some(same) = routes.iter().skip(position + 1).find(|other| other.is_same_as(route)) {
            return Err(RouteTableError::Same(route.name().to_owned(), same.name().to_owned()));
        }
    }
    Ok(())
}

/// Of an answer's 8,000 bytes, those for patterns. The others are for the rest of the document, the principal,
/// and the claims that a backend can hardly do without.
const MAX_PATTERN_BYTES: usize = 7_000;

/// What stands around a pattern: quotes, a comma, and an ARN of a region such as `ap-southeast-2` and a stage of
/// 20 characters. Should they be longer, the answer itself is measured once more.
const AROUND_PATTERN_BYTES: usize = 83;
