//! Routes as IAM's patterns spell them.
//!
//! IAM's `*` crosses `/`, so a pattern matches more than its route serves: requests of other routes, which are
//! told apart by explicit Denies, and requests that no route serves. The precise spelling keeps the latter out as
//! well as IAM can: `any` is written as each verb, and what has several segments in a parameter's place is denied.
//! It takes more bytes; the loose one is for tables that would not fit otherwise.

use std::collections::BTreeSet;

use super::{
    route::{Route, is_covered_by, may_meet},
    route_class::{Class, explore},
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
        for (owner, route) in routes.iter().enumerate() {
            spelling.overshoots.extend(route.overshoots().into_iter().map(|(pattern, steps)| {
                let meets = routes.iter().enumerate().filter(|(_, other)| may_meet(&other.steps, &steps));
                Overshoot { owner, pattern, meets: meets.map(|(position, _)| position).collect() }
            }));
        }
        Ok(spelling)
    }

    pub(super) fn loose(routes: &[Route]) -> Result<Self, RouteTableError> {
        Self::of(routes.iter().cloned().enumerate().collect())
    }

    fn of(entries: Vec<(usize, Route)>) -> Result<Self, RouteTableError> {
        let (owners, routes): (Vec<usize>, Vec<Route>) = entries.into_iter().unzip();
        let classes = explore(&routes).ok_or(RouteTableError::TooComplex)?;
        let patterns: Vec<String> = routes.iter().map(Route::pattern).collect();
        let entries = routes
            .into_iter()
            .zip(owners)
            .enumerate()
            .map(|(position, (route, owner))| Entry::new(position, route, owner, &patterns));
        let mut spelling = Self { entries: entries.collect(), overshoots: Vec::new() };
        for class in &classes {
            spelling.note(class);
        }
        spelling.check(&classes)?;
        Ok(spelling)
    }

    fn note(&mut self, class: &Class) {
        let owner = self.owner(class.route);
        for cover in
            class.covered_by.iter().copied().filter(|cover| self.owner(*cover) != owner).collect::<Vec<_>>()
        {
            if let Some(entry) = self.entries.get_mut(class.route) {
                let covers =
                    if class.ends_in_slash { &mut entry.slash_covered_by } else { &mut entry.covered_by };
                covers.insert(cover);
            }
            // A slash more than a route's plain text is allowed by no pattern of that route.
            if let Some(entry) = self.entries.get_mut(cover).filter(|_| !class.ends_in_slash) {
                entry.reaches.insert(class.route);
            }
        }
    }

    fn owner(&self, entry: usize) -> Option<usize> {
        self.entries.get(entry).map(|entry| entry.owner)
    }

    /// For each entry: where its Deny may be needed, nothing of another route may be served under its pattern.
    fn check(&self, classes: &[Class]) -> Result<(), RouteTableError> {
        let name = |position: usize| self.entries.get(position).map(|entry| entry.route.name().to_owned());
        for (position, entry) in self.entries.iter().enumerate() {
            let under_it = |class: &&Class| {
                class.is_ordinary
                    && self.owner(class.route) != Some(entry.owner)
                    && class.covered_by.contains(&position)
            };
            let cover = entry.covered_by.first().or(entry.slash_covered_by.first());
            if let (Some(cover), Some(class)) = (cover, classes.iter().find(under_it)) {
                return Err(RouteTableError::Inexpressible {
                    denied: entry.route.name().to_owned(),
                    cover: name(*cover).unwrap_or_default(),
                    allowed: name(class.route).unwrap_or_default(),
                });
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
