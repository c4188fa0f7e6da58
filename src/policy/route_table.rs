//! Every route of an API, and what IAM's patterns make of them.

use std::collections::BTreeSet;

use thiserror::Error;

use super::{
    route::{InvalidRoute, Route, is_covered_by},
    route_class::{Class, explore},
};

/// The routes of one API. For every verdict on each of them there is a set of patterns that says the same.
#[derive(Clone, Debug)]
pub struct RouteTable {
    routes: Vec<Route>,
    /// Positions of routes, the one first that API Gateway prefers.
    preferred: Vec<usize>,
    /// One for each route.
    overlaps: Vec<Overlap>,
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
        "iam cannot allow {allowed} while it denies {denied} under {cover}, since its * crosses /: \
         remove one of them, or spell the greedy one out"
    )]
    Inexpressible {
        /// The route whose Deny would reach too far.
        denied: String,
        /// A route that would need that Deny.
        cover: String,
        /// The route that it would close.
        allowed: String,
    },
    /// More classes of requests than are worth looking at.
    #[error("the routes overlap in too many ways: use fewer parameters and greedy routes")]
    TooComplex,
}

/// How one route's requests and pattern meet those of the others.
#[derive(Clone, Debug, Default)]
struct Overlap {
    /// Routes whose patterns match some of its requests.
    covered_by: BTreeSet<usize>,
    /// Routes whose patterns match its requests with a slash more.
    slash_covered_by: BTreeSet<usize>,
    /// Routes that serve requests which its pattern matches.
    reaches: BTreeSet<usize>,
    /// Routes whose patterns match all that its own matches.
    within: Vec<usize>,
    /// Routes whose patterns match its own with a slash more.
    slash_within: Vec<usize>,
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
        let classes = explore(&routes, &preferred).ok_or(RouteTableError::TooComplex)?;
        check_expressible(&routes, &classes)?;
        let overlaps = find_overlaps(&routes, &classes);
        Ok(Self { routes, preferred, overlaps })
    }

    /// The routes, in the order in which they were given.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The position of the route that serves a request, as API Gateway chooses: segment by segment exact over
    /// parameter over greedy, then the named verb over any. `request` is verb and path as an ARN has them,
    /// `GET/orders/42`, or `$connect`.
    pub fn serve(&self, request: &str) -> Option<usize> {
        let parts: Vec<&str> = request.split('/').collect();
        let serves =
            |position: &&usize| self.routes.get(**position).is_some_and(|route| route.serves(&parts));
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

    /// Patterns for which IAM's verdict on a request is `is_allowed` of the position of the route that serves
    /// it. What no route serves is allowed by none, or never asked. Where a parameter's value is plain text of
    /// another route, IAM may deny what is allowed, and never the other way round.
    ///
    /// What is denied is denied explicitly, since a resource policy may allow what nobody denies; a route is
    /// left to silence only where its pattern would close another that is allowed.
    pub fn patterns(&self, is_allowed: impl Fn(usize) -> bool) -> Patterns {
        let verdicts: Vec<bool> = (0..self.routes.len()).map(is_allowed).collect();
        let is_allowed = |position: &usize| verdicts.get(*position) == Some(&true);
        let is_denied = |position: &usize| self.denies(*position, is_allowed);
        let mut patterns = Patterns::default();
        for (position, (route, overlap)) in self.routes.iter().zip(&self.overlaps).enumerate() {
            if is_allowed(&position) {
                if !overlap.within.iter().any(is_allowed) {
                    patterns.allow.push(route.pattern());
                }
                continue;
            }
            if is_denied(&position) && !overlap.within.iter().any(is_denied) {
                patterns.deny.push(route.pattern());
            }
            if overlap.slash_covered_by.iter().any(is_allowed) && !overlap.slash_within.iter().any(is_denied)
            {
                patterns.deny.push(route.slash_pattern());
            }
        }
        patterns
    }

    /// Whether a route has an explicit Deny: where an Allow covers it, and wherever that closes nothing else.
    fn denies(&self, position: usize, is_allowed: impl Fn(&usize) -> bool) -> bool {
        let Some(overlap) = self.overlaps.get(position) else { return false };
        let is_needed = overlap.covered_by.iter().any(&is_allowed);
        !is_allowed(&position) && (is_needed || !overlap.reaches.iter().any(is_allowed))
    }

    /// Each route with the most bytes that its patterns take, whatever the verdicts, where each is written with
    /// `around` bytes around it.
    pub fn largest(&self, around: usize) -> impl Iterator<Item = (&Route, usize)> {
        self.routes.iter().zip(&self.overlaps).map(move |(route, overlap)| {
            let slash =
                if overlap.slash_covered_by.is_empty() { 0 } else { route.slash_pattern().len() + around };
            (route, route.pattern().len() + around + slash)
        })
    }
}

fn find_overlaps(routes: &[Route], classes: &[Class]) -> Vec<Overlap> {
    let patterns: Vec<String> = routes.iter().map(Route::pattern).collect();
    let find_wider = |(position, route): (usize, &Route)| {
        let (own, slash) = (route.pattern(), route.slash_pattern());
        let others = || patterns.iter().enumerate().filter(move |(other, _)| *other != position);
        // Of two equal patterns the first stays.
        let is_within =
            |other: usize, wider: &str| is_covered_by(&own, wider) && (own != wider || other < position);
        Overlap {
            within: others()
                .filter(|(other, wider)| is_within(*other, wider))
                .map(|(other, _)| other)
                .collect(),
            slash_within: others()
                .filter(|(_, wider)| is_covered_by(&slash, wider))
                .map(|(other, _)| other)
                .collect(),
            ..Overlap::default()
        }
    };
    let mut overlaps: Vec<Overlap> = routes.iter().enumerate().map(find_wider).collect();
    for class in classes {
        for cover in class.covered_by.iter().copied().filter(|cover| *cover != class.route) {
            if let Some(overlap) = overlaps.get_mut(class.route) {
                let covers =
                    if class.ends_in_slash { &mut overlap.slash_covered_by } else { &mut overlap.covered_by };
                covers.insert(cover);
            }
            // A slash more than a route's plain text is allowed by no pattern of that route.
            if let Some(overlap) = overlaps.get_mut(cover).filter(|_| !class.ends_in_slash) {
                overlap.reaches.insert(class.route);
            }
        }
    }
    overlaps
}

fn by_preference(routes: &[Route]) -> Vec<usize> {
    let mut ranked: Vec<_> = routes.iter().map(Route::preference).zip(0..).collect();
    ranked.sort();
    ranked.into_iter().map(|(_, position)| position).collect()
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

/// For each route: where its Deny may be needed, nothing else may be served under its pattern.
fn check_expressible(routes: &[Route], classes: &[Class]) -> Result<(), RouteTableError> {
    let name =
        |position: usize| routes.get(position).map(|route| route.name().to_owned()).unwrap_or_default();
    for position in 0..routes.len() {
        let of_it = classes.iter().filter(|class| class.route == position);
        let cover = of_it.flat_map(|class| &class.covered_by).find(|cover| **cover != position);
        let under_it = |class: &&Class| {
            class.is_ordinary && class.route != position && class.covered_by.contains(&position)
        };
        if let (Some(cover), Some(class)) = (cover, classes.iter().find(under_it)) {
            let (denied, cover, allowed) = (name(position), name(*cover), name(class.route));
            return Err(RouteTableError::Inexpressible { denied, cover, allowed });
        }
    }
    Ok(())
}
