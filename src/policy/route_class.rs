//! The classes of requests that a set of routes tells apart.
//!
//! API Gateway takes a request to one route; IAM sees the request's text and every pattern that matches it,
//! and `*` there crosses `/`. Requests fall into finitely many classes: two requests are of one class if the
//! same route serves them and the same patterns match them. They are found with a subset construction over
//! the routes' segments, in which a letter is a segment's text, or any text that no route names.

use std::collections::{BTreeSet, HashSet};

use super::route::{Route, Step};

/// Requests that one route serves and the same patterns match.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Class {
    pub(super) route: usize,
    /// Whether the request has a slash more than the route's template.
    pub(super) ends_in_slash: bool,
    /// Whether such requests exist in which no parameter has a value that is plain text of some route.
    pub(super) is_ordinary: bool,
    /// Routes whose patterns match.
    pub(super) covered_by: Vec<usize>,
}

/// Finds the classes.
struct Explorer<'r> {
    routes: &'r [Route],
    preferred: &'r [usize],
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

/// Every class, or nothing where there are too many states to look at. `preferred` are the positions of the
/// routes, the one first that API Gateway prefers.
pub(super) fn explore(routes: &[Route], preferred: &[usize]) -> Option<Vec<Class>> {
    Explorer::new(routes, preferred).explore()
}

impl<'r> Explorer<'r> {
    fn new(routes: &'r [Route], preferred: &'r [usize]) -> Self {
        let texts = routes.iter().flat_map(|route| &route.steps).filter_map(|step| match step {
            Step::Literal(text) => Some(Letter::Text(text.as_str())),
            Step::AnyVerb | Step::Parameter | Step::Greedy => None,
        });
        let letters: BTreeSet<Letter<'r>> = texts.chain([Letter::Text(""), Letter::Unnamed]).collect();
        Self { routes, preferred, letters: letters.into_iter().collect() }
    }

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
