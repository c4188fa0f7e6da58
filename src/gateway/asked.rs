//! Which route of a table a request asks for.

use percent_encoding::percent_decode_str;

use super::{arn::ExecuteApiArn, event::Request};
use crate::policy::RouteTable;

/// The position of the route whose verdict IAM gives: IAM sees verb and path, as the ARN has them.
pub(super) fn by_path(arn: &ExecuteApiArn<'_>, table: &RouteTable) -> Option<usize> {
    table.serve(arn.request())
}

/// The position of the route for an answer that says yes or no to one, which API Gateway keeps by `routeKey`.
/// So the key says it. Only where the key leaves the verb or all of it open do verb and path.
pub(super) fn by_key(request: &Request<'_>, arn: &ExecuteApiArn<'_>, table: &RouteTable) -> Option<usize> {
    let key = request.route()?;
    if key != "$default" && !key.starts_with("ANY ") {
        return table.find(&key);
    }
    // What the ARN of a `$default` route has in place of verb and path is not documented.
    let asked = match arn.request() {
        "$default" => request.verb_and_path(arn.stage())?,
        asked => asked.to_owned(),
    };
    // Nor is whether its path is decoded. The backend decodes it: both readings must ask for the same route.
    let decoded = percent_decode_str(&asked).decode_utf8_lossy();
    let route = table.serve(&asked)?;
    (table.serve(&decoded) == Some(route)).then_some(route)
}
