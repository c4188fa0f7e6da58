//! Every route of an API, and what IAM's patterns make of them.
//!
//! API Gateway takes a request to one route; IAM sees the request's text and every pattern that matches it,
//! and `*` there crosses `/`. Requests fall into finitely many classes: two requests are of one class if the
//! same route serves them and the same patterns match them. The table finds all classes once, with a subset
//! construction over the routes' segments, in which a letter is a segment's text, or any text that no route
//! names. Then it knows which routes need an explicit Deny, and which tables IAM cannot express.

use std::collections::{BTreeSet, HashSet};

use thiserror::Error;

use super::route::{InvalidRoute, Route, Step};

/// The routes of one API. For every verdict on each of them there is a set of patterns that says the same.
#[derive(Clone, Debug)]
pub struct RouteTable {
    routes: Vec<Route>,
    classes: Vec<Class>,
}

/// Patterns behind the stage and a slash: what is allowed, and what is denied of that.
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

/// Requests that one route serves and the same patterns match.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Class {
    route: usize,
    /// Whether the request has a slash more than the route's template.
    ends_in_slash: bool,
    /// Whether such requests exist in which no parameter has a value that is plain text of some route.
    is_ordinary: bool,
    /// Routes whose patterns match.
    covered_by: Vec<usize>,
}

impl RouteTable {
    /// Builds the table of the routes with these names.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<Self, RouteTableError> {
        let parse = |name: &str| {
            Route::parse(name).map_err(|error| RouteTableError::Invalid { name: name.to_owned(), error })
        };
        let routes: Vec<Route> = names.into_iter().map(parse).collect::<Result<_, _>>()?;
        check_distinct(&routes)?;
        let classes = Explorer::new(&routes).explore().ok_or(RouteTableError::TooComplex)?;
        let table = Self { routes, classes };
        table.check_expressible()?;
        Ok(table)
    }

    /// The routes, in the order in which they were given.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// Patterns for which IAM's verdict on a request is `is_allowed` of the position of the route that serves
    /// it. What no route serves is allowed by none, or never asked. Where a parameter's value is plain text of
    /// another route, IAM may deny what is allowed, and never the other way round.
    pub fn patterns(&self, is_allowed: impl Fn(usize) -> bool) -> Patterns {
        let mut patterns = Patterns::default();
        let is_covered = |route: usize, ends_in_slash: bool| {
            let mut classes = self.classes.iter();
            classes.any(|class| {
                class.route == route
                    && class.ends_in_slash == ends_in_slash
                    && class.covered_by.iter().any(|cover| is_allowed(*cover))
            })
        };
        for (position, route) in self.routes.iter().enumerate() {
            if is_allowed(position) {
                patterns.allow.push(route.pattern());
                continue;
            }
            if is_covered(position, false) {
                patterns.deny.push(route.pattern());
            }
            if is_covered(position, true) {
                patterns.deny.push(format!("{}/", route.pattern()));
            }
        }
        patterns
    }

    /// For each route: where its Deny may be needed, nothing else may be served under its pattern.
    fn check_expressible(&self) -> Result<(), RouteTableError> {
        for (position, route) in self.routes.iter().enumerate() {
            let of_it = self.classes.iter().filter(|class| class.route == position);
            let cover = of_it.flat_map(|class| &class.covered_by).find(|cover| **cover != position);
            let under_it = |class: &&Class| {
                class.is_ordinary && class.route != position && class.covered_by.contains(&position)
            };
            if let (Some(cover), Some(class)) = (cover, self.classes.iter().find(under_it)) {
                return Err(RouteTableError::Inexpressible {
                    denied: route.name().to_owned(),
                    cover: self.name(*cover),
                    allowed: self.name(class.route),
                });
            }
        }
        Ok(())
    }

    fn name(&self, position: usize) -> String {
        self.routes.get(position).map(|route| route.name().to_owned()).unwrap_or_default()
    }
}

/// Two templates that differ in the names of their parameters alone are one route.
fn check_distinct(routes: &[Route]) -> Result<(), RouteTableError> {
    for (position, route) in routes.iter().enumerate() {
        if let Some(same) = routes.iter().skip(position + 1).find(|other| other.steps == route.steps) {
            return Err(RouteTableError::Same(route.name().to_owned(), same.name().to_owned()));
        }
    }
    Ok(())
}

/// Finds the classes.
struct Explorer<'r> {
    routes: &'r [Route],
    /// Positions of routes, the preferred first.
    preferred: Vec<usize>,
    letters: Vec<Letter<'r>>,
}

/// A segment's text, or any text that stands in no route.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Letter<'r> {
    Text(&'r str),
    Unnamed,
}

/// One way of reading requests: how far a route's steps have been read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Progress {
    reading: Reading,
    route: usize,
    step: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Reading {
    /// As API Gateway does.
    Gateway,
    /// The same, with parameters whose values stand in no route.
    Ordinary,
    /// As IAM does, where each `*` is one segment or more.
    Iam,
}

impl<'r> Explorer<'r> {
    fn new(routes: &'r [Route]) -> Self {
        let texts = routes.iter().flat_map(|route| &route.steps).filter_map(|step| match step {
            Step::Literal(text) => Some(Letter::Text(text.as_str())),
            Step::AnyVerb | Step::Parameter | Step::Greedy => None,
        });
        let letters: BTreeSet<Letter<'r>> = texts.chain([Letter::Text(""), Letter::Unnamed]).collect();
        let mut ranked: Vec<_> = routes.iter().map(Route::preference).zip(0..).collect();
        ranked.sort();
        let preferred = ranked.into_iter().map(|(_, position)| position).collect();
        Self { routes, preferred, letters: letters.into_iter().collect() }
    }

    /// Every class, or nothing where there are too many states to look at.
    fn explore(&self) -> Option<Vec<Class>> {
        let readings = [Reading::Gateway, Reading::Ordinary, Reading::Iam];
        let start: BTreeSet<Progress> = readings
            .into_iter()
            .flat_map(|reading| (0..self.routes.len()).map(move |route| Progress { reading, route, step: 0 }))
            .collect();
        let mut seen = HashSet::from([start.clone()]);
        let mut waiting = vec![start];
        let mut classes = HashSet::new();
        while let Some(state) = waiting.pop() {
            for letter in &self.letters {
                let next: BTreeSet<Progress> =
                    state.iter().flat_map(|progress| self.advance(*progress, *letter)).collect();
                if !next.iter().any(|progress| progress.reading == Reading::Gateway) || seen.contains(&next) {
                    continue;
                }
                classes.extend(self.classify(&next));
                seen.insert(next.clone());
                waiting.push(next);
                if seen.len() > MAX_STATES {
                    return None;
                }
            }
        }
        Some(classes.into_iter().collect())
    }

    /// Where reading one more segment leads.
    fn advance(&self, progress: Progress, letter: Letter<'_>) -> Vec<Progress> {
        let Progress { reading, route, step } = progress;
        let Some(route) = self.routes.get(route) else { return Vec::new() };
        let further = Progress { step: step + 1, ..progress };
        let is_iam = reading == Reading::Iam;
        match route.steps.get(step) {
            Some(Step::Literal(text)) if letter == Letter::Text(text) => vec![further],
            Some(Step::Parameter) if reading == Reading::Ordinary && letter != Letter::Unnamed => Vec::new(),
            Some(Step::AnyVerb | Step::Parameter) if !is_iam => vec![further],
            Some(Step::AnyVerb | Step::Parameter | Step::Greedy) => vec![progress, further],
            None if step == route.steps.len() && self.takes_slash(progress, letter) => vec![further],
            Some(Step::Literal(_)) | None => Vec::new(),
        }
    }

    /// REST APIs take `/orders/` to `/orders`, and what the ARN then says is not documented.
    fn takes_slash(&self, progress: Progress, letter: Letter<'_>) -> bool {
        let route = self.routes.get(progress.route);
        progress.reading == Reading::Gateway
            && letter == Letter::Text("")
            && route.is_some_and(Route::may_end_in_slash)
    }

    /// The class of requests that end here, if a route serves them.
    fn classify(&self, state: &BTreeSet<Progress>) -> Option<Class> {
        let ends = |reading, route: usize, more: usize| {
            let steps = self.routes.get(route).map_or(0, |route| route.steps.len());
            state.contains(&Progress { reading, route, step: steps + more })
        };
        let serves =
            |route: &&usize| ends(Reading::Gateway, **route, 0) || ends(Reading::Gateway, **route, 1);
        let route = *self.preferred.iter().find(serves)?;
        Some(Class {
            route,
            ends_in_slash: !ends(Reading::Gateway, route, 0),
            is_ordinary: ends(Reading::Ordinary, route, 0),
            covered_by: (0..self.routes.len()).filter(|cover| ends(Reading::Iam, *cover, 0)).collect(),
        })
    }
}

/// A plain REST API of 1,000 routes stays below; what does not is refused rather than waited for at every cold
/// start.
const MAX_STATES: usize = 20_000;
