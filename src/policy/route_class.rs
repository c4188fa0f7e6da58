//! The classes of requests that a set of routes tells apart.
//!
//! API Gateway takes a request to one route; IAM sees the request's text and every pattern that matches it,
//! and `*` there crosses `/`. Requests fall into finitely many classes: two requests are of one class if the
//! same route serves them and the same patterns match them. They are found with a subset construction over
//! the routes' segments, in which a letter is a segment's text, or any text that no route names.

use std::collections::{BTreeSet, HashSet};

use super::{
    route::{Route, Step},
    route_table::by_preference,
};

/// Requests that one route serves and the same patterns match.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Class {
    pub(super) route: usize,
    /// Whether the request has a slash more than the route's template.
    pub(super) ends_in_slash: bool,
    /// Whether such requests exist in which no parameter has a value that is plain text of some route.
    pub(super) is_ordinary: bool,
    /// Routes whose patterns match, itself among them.
    pub(super) covered_by: Vec<usize>,
}

/// Finds the classes.
struct Explorer<'r> {
    routes: &'r [Route],
    /// Positions of routes, the one first that API Gateway prefers.
    preferred: Vec<usize>,
    /// Texts that stand in some route.
    texts: BTreeSet<&'r str>,
}

/// A segment's text; or any text that stands in some route, but nowhere where it would lead on; or any text that
/// stands in none.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Letter<'r> {
    Text(&'r str),
    OtherText,
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

/// Where all readings stand, in order.
type State = Vec<Progress>;

/// Every class, or nothing where that would take too long.
pub(super) fn explore(routes: &[Route]) -> Option<Vec<Class>> {
    let texts = routes.iter().flat_map(|route| &route.steps).filter_map(|step| match step {
        Step::Literal(text) => Some(text.as_str()),
        Step::AnyVerb | Step::Parameter | Step::Greedy => None,
    });
    Explorer { routes, preferred: by_preference(routes), texts: texts.collect() }.explore()
}

impl<'r> Explorer<'r> {
    fn explore(&self) -> Option<Vec<Class>> {
        let start: State = [Reading::Gateway, Reading::Ordinary, Reading::Iam]
            .into_iter()
            .flat_map(|reading| (0..self.routes.len()).map(move |route| Progress { reading, route, step: 0 }))
            .collect();
        let mut seen = HashSet::from([start.clone()]);
        let mut waiting = vec![start];
        let mut classes = HashSet::new();
        let mut work = 0;
        while let Some(state) = waiting.pop() {
            for letter in self.letters(&state) {
                work += state.len();
                let next = self.read(&state, letter);
                if !next.iter().any(|progress| progress.reading == Reading::Gateway) || seen.contains(&next) {
                    continue;
                }
                classes.extend(self.classify(&next));
                seen.insert(next.clone());
                waiting.push(next);
            }
            if work > MAX_WORK {
                return None;
            }
        }
        Some(classes.into_iter().collect())
    }

    /// The letters that lead from a state to different ones.
    fn letters(&self, state: &State) -> Vec<Letter<'r>> {
        let awaited = state.iter().filter_map(|progress| match self.step(*progress)? {
            Step::Literal(text) => Some(text.as_str()),
            Step::AnyVerb | Step::Parameter | Step::Greedy => None,
        });
        // Nothing between two slashes, or behind the last one, is what a trailing slash looks like.
        let awaited: BTreeSet<&str> = awaited.chain([""]).collect();
        let others = self.texts.iter().any(|text| !awaited.contains(text)).then_some(Letter::OtherText);
        awaited.into_iter().map(Letter::Text).chain(others).chain([Letter::Unnamed]).collect()
    }

    fn step(&self, progress: Progress) -> Option<&'r Step> {
        self.routes.get(progress.route)?.steps.get(progress.step)
    }

    /// Where reading one more segment leads.
    fn read(&self, state: &State, letter: Letter<'_>) -> State {
        let mut next: State =
            state.iter().flat_map(|progress| self.advance(*progress, letter)).flatten().collect();
        next.sort_unstable();
        next.dedup();
        next
    }

    fn advance(&self, progress: Progress, letter: Letter<'_>) -> [Option<Progress>; 2] {
        let further = Some(Progress { step: progress.step + 1, ..progress });
        let is_iam = progress.reading == Reading::Iam;
        match self.step(progress) {
            Some(Step::Literal(text)) if letter == Letter::Text(text) => [further, None],
            Some(Step::Parameter) if progress.reading == Reading::Ordinary && letter != Letter::Unnamed => {
                [None, None]
            }
            Some(Step::AnyVerb | Step::Parameter) if !is_iam => [further, None],
            Some(Step::AnyVerb | Step::Parameter | Step::Greedy) => [Some(progress), further],
            None if self.takes_slash(progress, letter) => [further, None],
            Some(Step::Literal(_)) | None => [None, None],
        }
    }

    /// REST APIs take `/orders/` to `/orders`, and what the ARN then says is not documented.
    fn takes_slash(&self, progress: Progress, letter: Letter<'_>) -> bool {
        let route = self.routes.get(progress.route);
        progress.reading == Reading::Gateway
            && letter == Letter::Text("")
            && route.is_some_and(|route| progress.step == route.steps.len() && route.may_end_in_slash())
    }

    /// The class of requests that end here, if a route serves them.
    fn classify(&self, state: &State) -> Option<Class> {
        let ends = |reading, route: usize, more: usize| {
            let steps = self.routes.get(route).map_or(0, |route| route.steps.len());
            state.binary_search(&Progress { reading, route, step: steps + more }).is_ok()
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

/// Steps read. A REST API of 1,000 routes takes a twentieth; what takes more is refused rather than waited for at
/// every cold start.
const MAX_WORK: usize = 20_000_000;
