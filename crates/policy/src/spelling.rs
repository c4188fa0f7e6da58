//! Routes as IAM's patterns spell them.
//!
//! IAM's `*` crosses `/`, so a pattern matches more than its route serves: requests of other routes, which are
//! told apart by explicit Denies, and requests that no route serves. The precise spelling keeps the latter out as
//! well as IAM can: `any` is written as each verb, and what has several segments in a parameter's place is denied.
//! It takes more bytes; the loose one is for tables that would not fit otherwise.

use std::collections::BTreeSet;

use super::{
    overlap::{Requests, TooComplex},
    route::{Route, is_covered_by},
    route_table::{Patterns, RouteTableError},
};

/// Every route, spelt.
#[derive(Clone, Debug)]
pub(super) struct Spelling {
    entries: Vec<Entry>,
    /// None where it is loose.
    overshoots: Vec<Overshoot>,
}

/// One pattern, and how it meets the others. Positions are those of entries.
#[derive(Clone, Debug)]
struct Entry {
    route: Route,
    /// The position of the route that it spells, alone or with others.
    owner: usize,
    /// Whose patterns match some of its requests.
    covered_by: BTreeSet<usize>,
    /// Whose patterns match its requests with a slash more.
    slash_covered_by: BTreeSet<usize>,
    /// Whose requests its pattern matches.
    reaches: BTreeSet<usize>,
    /// One of these that is no route with the text of another in a parameter's place.
    closes: Option<usize>,
    /// Whose patterns match all that its own matches.
    within: Vec<usize>,
    /// Whose patterns match its own with a slash more.
    slash_within: Vec<usize>,
}

/// A pattern of requests that a route's pattern matches and that have too many segments for it.
#[derive(Clone, Debug)]
struct Overshoot {
    /// The position of the route.
    owner: usize,
    pattern: String,
    /// Owners of requests that may be among them.
    meets: BTreeSet<usize>,
}

impl Spelling {
    pub(super) fn precise(routes: &[Route]) -> Result<Self, RouteTableError> {
        let each_verb = |(owner, route): (usize, &Route)| match route.with_each_verb() {
            None => vec![(owner, route.clone())],
            // Where a verb has a route of its own, that one serves it.
            Some(spelt) => spelt
                .into_iter()
                .filter(|spelt| !routes.iter().any(|other| other.is_same_as(spelt)))
                .map(|spelt| (owner, spelt))
                .collect(),
        };
        let mut spelling = Self::of(routes.iter().enumerate().flat_map(each_verb).collect())?;
        let requests = Requests::of(routes);
        for (owner, route) in routes.iter().enumerate() {
            for (pattern, steps) in route.overshoots() {
                let mut meets = BTreeSet::new();
                for position in 0..routes.len() {
                    if requests.meet(position, &steps)?.some {
                        meets.insert(position);
                    }
                }
                spelling.overshoots.push(Overshoot { owner, pattern, meets });
            }
        }
        Ok(spelling)
    }

    pub(super) fn loose(routes: &[Route]) -> Result<Self, RouteTableError> {
        Self::of(routes.iter().cloned().enumerate().collect())
    }

    fn of(entries: Vec<(usize, Route)>) -> Result<Self, RouteTableError> {
        let (owners, routes): (Vec<usize>, Vec<Route>) = entries.into_iter().unzip();
        let patterns: Vec<String> = routes.iter().map(Route::pattern).collect();
        let entries = routes.iter().zip(owners).enumerate();
        let entries =
            entries.map(|(position, (route, owner))| Entry::new(position, route.clone(), owner, &patterns));
        let mut spelling = Self { entries: entries.collect(), overshoots: Vec::new() };
        spelling.note_overlaps(&routes)?;
        spelling.check()?;
        Ok(spelling)
    }

    /// Notes how each pattern meets the requests of every other route.
    fn note_overlaps(&mut self, routes: &[Route]) -> Result<(), TooComplex> {
        let requests = Requests::of(routes);
        for (cover, pattern) in routes.iter().enumerate() {
            for position in 0..routes.len() {
                if self.owner(position) == self.owner(cover) {
                    continue;
                }
                let meeting = requests.meet(position, &pattern.steps)?;
                let with_slash = requests.meet_with_slash(position, &pattern.steps)?;
                if let Some(entry) = self.entries.get_mut(position) {
                    entry.covered_by.extend(meeting.some.then_some(cover));
                    entry.slash_covered_by.extend(with_slash.some.then_some(cover));
                }
                if let Some(entry) = self.entries.get_mut(cover) {
                    entry.reaches.extend(meeting.some.then_some(position));
                    entry.closes = entry.closes.or(meeting.ordinary.then_some(position));
                }
            }
        }
        Ok(())
    }

    fn owner(&self, entry: usize) -> Option<usize> {
        self.entries.get(entry).map(|entry| entry.owner)
    }

    /// Where the Deny of an entry may be needed, it must close nothing of another route.
    fn check(&self) -> Result<(), RouteTableError> {
        let name = |position: usize| {
            self.entries.get(position).map(|entry| entry.route.name().to_owned()).unwrap_or_default()
        };
        for entry in &self.entries {
            let cover = entry.covered_by.first().or(entry.slash_covered_by.first());
            if let (Some(cover), Some(closed)) = (cover, entry.closes) {
                let (denied, cover, allowed) = (entry.route.name().to_owned(), name(*cover), name(closed));
                return Err(RouteTableError::Inexpressible { denied, cover, allowed });
            }
        }
        Ok(())
    }

    /// The patterns for these verdicts on routes, by their positions.
    pub(super) fn patterns(&self, verdicts: &[bool]) -> Patterns {
        let is_permitted = |owner: &usize| verdicts.get(*owner) == Some(&true);
        let is_allowed = |entry: &usize| self.owner(*entry).is_some_and(|owner| is_permitted(&owner));
        let is_denied = |entry: &usize| self.denies(*entry, is_allowed);
        let mut patterns = Patterns::default();
        for (position, entry) in self.entries.iter().enumerate() {
            if is_allowed(&position) {
                if !entry.within.iter().any(is_allowed) {
                    patterns.allow.push(entry.route.pattern());
                }
                continue;
            }
            if is_denied(&position) && !entry.within.iter().any(is_denied) {
                patterns.deny.push(entry.route.pattern());
            }
            if entry.slash_covered_by.iter().any(is_allowed) && !entry.slash_within.iter().any(is_denied) {
                patterns.deny.push(entry.route.slash_pattern());
            }
        }
        let is_closed = |more: &&Overshoot| is_permitted(&more.owner) && !more.meets.iter().any(is_permitted);
        let closed: Vec<&Overshoot> = self.overshoots.iter().filter(is_closed).collect();
        patterns.deny.retain(|pattern| !closed.iter().any(|more| is_overshoot(pattern, &more.pattern)));
        patterns.deny.extend(closed.iter().map(|more| more.pattern.clone()));
        patterns
    }

    /// Whether an entry has an explicit Deny: where an Allow covers it, and wherever that closes nothing else.
    fn denies(&self, position: usize, is_allowed: impl Fn(&usize) -> bool) -> bool {
        let Some(entry) = self.entries.get(position) else { return false };
        let is_needed = entry.covered_by.iter().any(&is_allowed);
        !is_allowed(&position) && (is_needed || !entry.reaches.iter().any(is_allowed))
    }

    /// Owners of patterns, with the most bytes that these take where each is written with `around` bytes around
    /// it.
    pub(super) fn largest(&self, around: usize) -> impl Iterator<Item = (usize, usize)> {
        let entries = self.entries.iter().map(move |entry| {
            let own = entry.route.pattern().len() + around;
            (entry.owner, if entry.slash_covered_by.is_empty() { own } else { 2 * own + 1 })
        });
        entries.chain(self.overshoots.iter().map(move |more| (more.owner, more.pattern.len() + around)))
    }
}

impl Entry {
    fn new(position: usize, route: Route, owner: usize, patterns: &[String]) -> Self {
        let (own, slash) = (route.pattern(), route.slash_pattern());
        let others = || patterns.iter().enumerate().filter(move |(other, _)| *other != position);
        // Of two equal patterns the first stays.
        let is_within =
            |other: usize, wider: &str| is_covered_by(&own, wider) && (own != wider || other < position);
        Self {
            within: others()
                .filter(|(other, wider)| is_within(*other, wider))
                .map(|(other, _)| other)
                .collect(),
            slash_within: others()
                .filter(|(_, wider)| is_covered_by(&slash, wider))
                .map(|(other, _)| other)
                .collect(),
            route,
            owner,
            covered_by: BTreeSet::new(),
            slash_covered_by: BTreeSet::new(),
            reaches: BTreeSet::new(),
            closes: None,
        }
    }
}

/// Whether a pattern matches nothing but what an overshoot matches, whose `?*` is anything but nothing.
fn is_overshoot(pattern: &str, overshoot: &str) -> bool {
    let is_more = !pattern.ends_with('*') && !pattern.ends_with('/');
    match overshoot.strip_suffix("?*") {
        Some(head) => is_more && is_covered_by(pattern, &format!("{head}*")),
        None => is_covered_by(pattern, overshoot),
    }
}
