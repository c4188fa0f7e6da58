//! Which requests of a route does a pattern match?
//!
//! API Gateway takes a request to one route; IAM sees the request's text, and `*` there crosses `/`. To find a
//! request that is served by a route and matched by a pattern, one is laid along both, segment by segment; what
//! neither fixes becomes a text that stands in no route. If another route is preferred for it, that one leaves
//! open what is open here, and is preferred for every request that fixes more; if none is, it is an example.

use std::cell::Cell;

use super::route::{Route, Step};

/// What a pattern matches of the requests that a route serves.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Meeting {
    /// Some of them.
    pub(super) some: bool,
    /// Some in which no parameter has the text of another route.
    pub(super) ordinary: bool,
}

/// More ways to lay requests along routes and patterns than are worth looking at.
#[derive(Debug)]
pub(super) struct TooComplex;

/// The requests of some routes.
pub(super) struct Requests<'r> {
    routes: &'r [Route],
    /// Positions of routes, the one first that API Gateway prefers.
    preferred: Vec<usize>,
    /// The most segments that make a difference: one more than the longest route has, and an empty one.
    longest: usize,
    work: Cell<usize>,
}

/// How far a request has been laid.
#[derive(Clone)]
struct Laid<'s> {
    segments: Vec<&'s str>,
    /// Steps of the route and of the pattern that are behind.
    route: usize,
    pattern: usize,
    is_ordinary: bool,
}

impl<'r> Requests<'r> {
    pub(super) fn of(routes: &'r [Route]) -> Self {
        let longest = routes.iter().map(|route| route.steps.len()).max().unwrap_or_default();
        Self { routes, preferred: by_preference(routes), longest: longest + 2, work: Cell::new(0) }
    }

    /// What a pattern matches of the requests of the route at a position.
    pub(super) fn meet(&self, position: usize, pattern: &[Step]) -> Result<Meeting, TooComplex> {
        match self.routes.get(position).filter(|route| may_meet(&route.steps, pattern)) {
            None => Ok(Meeting::default()),
            Some(route) => self.lay(position, &route.steps, pattern),
        }
    }

    /// The same of requests with a slash more: REST APIs take `/orders/` to `/orders`, and what the ARN then says
    /// is not documented.
    pub(super) fn meet_with_slash(&self, position: usize, pattern: &[Step]) -> Result<Meeting, TooComplex> {
        let may_end_so = |route: &&Route| route.may_end_in_slash() && may_meet(&route.steps, pattern);
        match self.routes.get(position).filter(may_end_so) {
            None => Ok(Meeting::default()),
            Some(route) => {
                self.lay(position, &[&route.steps[..], &[Step::Literal(String::new())]].concat(), pattern)
            }
        }
    }

    fn lay(&self, position: usize, route: &[Step], pattern: &[Step]) -> Result<Meeting, TooComplex> {
        let mut meeting = Meeting::default();
        let mut waiting = vec![Laid { segments: Vec::new(), route: 0, pattern: 0, is_ordinary: true }];
        while let Some(laid) = waiting.pop() {
            self.work.set(self.work.get() + 1);
            if self.work.get() > MAX_WORK {
                return Err(TooComplex);
            }
            match (route.get(laid.route), pattern.get(laid.pattern)) {
                (None, None) if self.serve(&laid.segments) == Some(position) => {
                    meeting.some = true;
                    meeting.ordinary |= laid.is_ordinary;
                }
                (Some(step), Some(part)) if !meeting.ordinary && laid.segments.len() < self.longest => {
                    waiting.extend(laid.further(step, part));
                }
                _ => {}
            }
        }
        Ok(meeting)
    }

    fn serve(&self, segments: &[&str]) -> Option<usize> {
        let serves =
            |position: &&usize| self.routes.get(**position).is_some_and(|route| route.serves(segments));
        self.preferred.iter().find(serves).copied()
    }
}

impl<'s> Laid<'s> {
    /// With one segment more that fits both, in each way in which the two can go on.
    fn further(&self, step: &'s Step, part: &'s Step) -> Vec<Self> {
        let (segment, is_ordinary) = match (step, part) {
            (Step::Literal(text), Step::Literal(other)) if text != other => return Vec::new(),
            (Step::Literal(text), _) => (text.as_str(), true),
            (step, Step::Literal(text)) => (text.as_str(), *step != Step::Parameter),
            (_, _) => (UNNAMED, true),
        };
        let more_of_route = (*step == Step::Greedy).then_some(0);
        let more_of_pattern = (!matches!(part, Step::Literal(_))).then_some(0);
        let ways = more_of_route
            .into_iter()
            .chain([1])
            .flat_map(|route| more_of_pattern.into_iter().chain([1]).map(move |pattern| (route, pattern)));
        let segments = [self.segments.as_slice(), &[segment]].concat();
        ways.map(|(route, pattern)| Self {
            segments: segments.clone(),
            route: self.route + route,
            pattern: self.pattern + pattern,
            is_ordinary: self.is_ordinary && is_ordinary,
        })
        .collect()
    }
}

/// Whether nothing that both fix in front of what either leaves open keeps them apart, as it does most.
fn may_meet(route: &[Step], pattern: &[Step]) -> bool {
    let fixed = route.iter().zip(pattern).map_while(|both| match both {
        (Step::Literal(text), Step::Literal(other)) => Some((text, other)),
        _ => None,
    });
    fixed.into_iter().all(|(text, other)| text == other)
}

/// Positions of routes in the order in which API Gateway prefers them.
pub(super) fn by_preference(routes: &[Route]) -> Vec<usize> {
    let mut ranked: Vec<_> = routes.iter().map(Route::preference).zip(0..).collect();
    ranked.sort();
    ranked.into_iter().map(|(_, position)| position).collect()
}

/// A text that stands in no route.
const UNNAMED: &str = "\0";

/// Segments laid. 500 routes of a plain REST API stay below, and so do 60 with a parameter at both ends; what takes
/// more is refused rather than waited for at every cold start.
const MAX_WORK: usize = 5_000_000;
