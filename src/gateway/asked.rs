//! Which route of a table a request asks for.

use percent_encoding::percent_decode_str;

use super::{arn::ExecuteApiArn, event::Request};
use crate::policy::{RouteTable, Rulings};

/// The position of the route whose verdict IAM gives: IAM sees verb and path, as the ARN has them.
pub(super) fn by_path(arn: &ExecuteApiArn<'_>, table: &RouteTable) -> Option<usize> {
    table.serve(arn.request())
}

/// The position of the route for an answer that says yes or no to one, which API Gateway keeps by `routeKey`.
/// So the key says it. Only where the key leaves the verb or all of it open do verb and path, which the backend
/// may read in more ways than one: of the routes that they may ask for, one that is denied, if there is one.
pub(super) fn by_key(request: &Request<'_>, arn: &ExecuteApiArn<'_>, rulings: &Rulings) -> Option<usize> {
    let (key, table) = (request.route()?, rulings.table());
    if key != "$default" && !key.starts_with("ANY ") {
        return table.find(&key);
    }
    let readings = read(request, arn)?;
    let routes: Vec<usize> =
        readings.iter().map(|reading| table.serve_exactly(reading)).collect::<Option<_>>()?;
    let is_denied = |route: &usize| rulings.at(*route).is_none_or(|(_, ruling)| !ruling.is_allowed());
    routes.iter().copied().find(is_denied).or(routes.first().copied())
}

/// Every way to read a request's verb and path; nothing where a backend may read it in still other ways.
fn read(request: &Request<'_>, arn: &ExecuteApiArn<'_>) -> Option<Vec<String>> {
    // What the ARN of a `$default` route has in place of verb and path is not documented.
    let asked = match arn.request() {
        "$default" => request.verb_and_path(arn)?,
        asked => asked.to_owned(),
    };
    // Nor is whether an ARN's path is decoded, or has a slash at its end that API Gateway takes for none.
    let decoded = percent_decode_str(&asked).decode_utf8_lossy().into_owned();
    // A backend may decode what API Gateway has decoded already.
    if percent_decode_str(&decoded).decode_utf8_lossy() != decoded {
        return None;
    }
    let mut readings = vec![asked, decoded];
    for position in 0..readings.len() {
        let shorter = readings.get(position).and_then(|reading| reading.strip_suffix('/'));
        readings.extend(shorter.filter(|rest| rest.contains('/')).map(str::to_owned));
    }
    readings.iter().all(|reading| is_plain(reading)).then_some(readings)
}

/// Without what some backends take for something else: a backslash, which is a slash to them; what follows a `;`; and
/// segments that they take out, `.`, `..` and empty ones but for the last.
fn is_plain(request: &str) -> bool {
    if request.contains(['\\', ';']) {
        return false;
    }
    let mut segments = request.split('/').rev();
    let last = segments.next();
    let is_dots = |segment: &str| segment == "." || segment == "..";
    !last.is_some_and(is_dots) && segments.all(|segment| !segment.is_empty() && !is_dots(segment))
}
