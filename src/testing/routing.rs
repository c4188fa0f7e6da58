//! API Gateway's choice of a route, written from its documentation and not from our table.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>

use std::cmp::Ordering;

/// The position of the one of `routes` that serves a request, and whether no parameter's value stands in some
/// route as plain text.
pub fn serving_route(routes: &[&str], verb: &str, path: &[&str]) -> Option<(usize, bool)> {
    let literals: Vec<&str> =
        routes.iter().flat_map(|route| route.split(['/', ' '])).filter(|part| !part.contains('{')).collect();
    let fits = |route: &str| -> Option<(Vec<u8>, bool)> {
        let (route_verb, template) = route.split_once(" /")?;
        let verb_rank = match route_verb {
            "any" => 1,
            named if named.eq_ignore_ascii_case(verb) => 0,
            _ => return None,
        };
        let (mut ranks, mut ordinary) = (Vec::new(), true);
        let parts: Vec<&str> = template.split('/').collect();
        for (position, part) in parts.iter().enumerate() {
            let segment = path.get(position)?;
            if part.ends_with("+}") {
                ranks.push(2);
                return Some(([ranks, vec![verb_rank]].concat(), ordinary));
            } else if part.starts_with('{') {
                ranks.push(1);
                ordinary &= !literals.contains(segment);
            } else if part == segment {
                ranks.push(0);
            } else {
                return None;
            }
        }
        ranks.push(verb_rank);
        (parts.len() == path.len()).then_some((ranks, ordinary))
    };
    let candidates = routes.iter().enumerate().filter_map(|(position, route)| Some((position, fits(route)?)));
    let compare = |one: &(usize, (Vec<u8>, bool)), other: &(usize, (Vec<u8>, bool))| -> Ordering {
        one.1.0.cmp(&other.1.0)
    };
    let chosen = candidates.min_by(compare).map(|(position, (_, ordinary))| (position, ordinary));
    let default = routes.iter().position(|route| *route == "$default").map(|position| (position, true));
    chosen.or(default)
}
