//! Is what IAM makes of a route table's patterns what was decided, for every request?

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on stops")]

use std::cell::Cell;

use cognito_authorizer::{
    policy::{InvalidRoute, Patterns, RouteTable, RouteTableError},
    testing::{API, Verdict, evaluate, serving_route},
};
use proptest::{
    prelude::*,
    sample::{select, subsequence},
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};

/// The document that an answer carries, on a stage of its own.
fn document(patterns: &Patterns) -> Value {
    let statement = |effect: &str, patterns: &[String]| {
        let resources: Vec<String> = patterns.iter().map(|pattern| format!("{API}/prod/{pattern}")).collect();
        json!({ "Action": ["execute-api:Invoke"], "Effect": effect, "Resource": resources })
    };
    let statements = [statement("Allow", &patterns.allow), statement("Deny", &patterns.deny)];
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn is_allowed(patterns: &Patterns, request: &str) -> bool {
    let arn = format!("{API}/prod/{}", request.replacen(" /", "/", 1));
    evaluate(&document(patterns), &arn) == Verdict::Allow
}

fn table(names: &[&str]) -> RouteTable {
    RouteTable::new(names.iter().copied()).unwrap()
}

fn allowing(table: &RouteTable, allowed: &[&str]) -> Patterns {
    table.patterns(|position| allowed.contains(&table.routes()[position].name()))
}

#[test]
fn each_request_gets_the_verdict_of_the_route_that_serves_it() {
    let orders = &[
        "get /orders",
        "post /orders",
        "get /orders/{id}",
        "delete /orders/{id}",
        "get /orders/export",
        "get /orders/{id}/items",
        "get /orders/{id}/items/{item}",
    ][..];
    let files = &["any /{proxy+}", "get /health", "post /admin"][..];
    // The routes, those allowed, a request, whether it may pass.
    for (routes, allowed, request, expected) in [
        (orders, &["get /orders", "get /orders/{id}"][..], "GET /orders", true),
        (orders, &["get /orders", "get /orders/{id}"], "GET /orders/42", true),
        (orders, &["get /orders", "get /orders/{id}"], "GET /orders/4:2", true),
        (orders, &["get /orders", "get /orders/{id}"], "DELETE /orders/42", false),
        (orders, &["get /orders", "get /orders/{id}"], "POST /orders", false),
        // IAM's `*` crosses `/`.
        (orders, &["get /orders/{id}"], "GET /orders/42/items", false),
        (orders, &["get /orders/{id}"], "GET /orders/42/items/7", false),
        (orders, &["get /orders/{id}"], "GET /orders/export", false),
        (orders, &["get /orders/{id}", "get /orders/{id}/items/{item}"], "GET /orders/1/items/7", true),
        (orders, &["get /orders/{id}", "get /orders/{id}/items/{item}"], "GET /orders/1/items", false),
        (orders, &["get /orders/export"], "GET /orders/export", true),
        (orders, &["get /orders/export"], "GET /orders/42", false),
        (orders, &["get /orders/{id}/items"], "GET /orders/42", false),
        // Served by `/orders`, and under the pattern of `/orders/{id}`.
        (orders, &["get /orders/{id}"], "GET /orders/", false),
        (files, &["any /{proxy+}"], "PUT /a/b/c", true),
        (files, &["any /{proxy+}"], "GET /health", false),
        (files, &["any /{proxy+}"], "POST /health", true),
        (files, &["any /{proxy+}"], "POST /admin", false),
        (files, &["any /{proxy+}"], "POST /admin/", false),
        (files, &["get /health"], "GET /a", false),
        (files, &[], "GET /health", false),
        (&["$connect"], &["$connect"], "$connect", true),
        (&["$connect"], &[], "$connect", false),
        (&["$default", "get /health"], &["$default"], "POST /anything/at/all", true),
        (&["$default", "get /health"], &["$default"], "GET /health", false),
        (&["get /", "get /{proxy+}"], &["get /{proxy+}"], "GET /", false),
        (&["get /", "get /{proxy+}"], &["get /"], "GET /a", false),
    ] {
        let patterns = allowing(&table(routes), allowed);
        assert_eq!(is_allowed(&patterns, request), expected, "{request}, allowed {allowed:?}: {patterns:?}");
    }
}

#[test]
fn a_route_that_the_table_does_not_have_is_allowed_by_nothing() {
    let table = table(&["get /orders", "get /orders/{id}"]);
    let all = table.patterns(|_| true);
    for request in ["GET /", "GET /users", "POST /orders", "GET //orders", "GET /orders/1/x", "$connect"] {
        assert!(!is_allowed(&all, request), "{request}");
    }
}

#[test]
fn a_denied_route_is_denied_explicitly_unless_that_would_close_another() {
    let table = table(&["get /a", "get /a/{x}", "get /a/{x}/b", "post /c"]);
    // Those allowed, a request, IAM's verdict.
    for (allowed, request, verdict) in [
        (&["get /a"][..], "GET /a", Verdict::Allow),
        (&["get /a"], "GET /a/1", Verdict::ExplicitDeny),
        (&["get /a"], "GET /a/1/b", Verdict::ExplicitDeny),
        (&["get /a"], "POST /c", Verdict::ExplicitDeny),
        // A Deny on `/a/*` would close `/a/*/b`.
        (&["get /a/{x}/b"], "GET /a/1", Verdict::ImplicitDeny),
        (&["get /a/{x}/b"], "GET /a/1/b", Verdict::Allow),
        (&["get /a/{x}/b"], "GET /a", Verdict::ExplicitDeny),
    ] {
        let patterns = allowing(&table, allowed);
        let arn = format!("{API}/prod/{}", request.replacen(" /", "/", 1));
        assert_eq!(evaluate(&document(&patterns), &arn), verdict, "{request}, {allowed:?}: {patterns:?}");
    }
}

#[test]
fn a_pattern_that_says_nothing_new_is_left_out() {
    let all = &["get /a", "get /a/{x}", "get /a/{x}/b", "get /a/{x}/b/{y}", "get /c"][..];
    let greedy = &["any /{proxy+}"][..];
    let (literal, parameter) = (&["get /a/{x}", "get /a/{x}/b"][..], &["get /a/{x}", "get /a/{x}/{y}"][..]);
    // The routes, those allowed, what is allowed, what is denied.
    for (routes, allowed, allow, deny) in [
        (all, all, &["GET/a", "GET/a/*", "GET/c"][..], &["GET/a/*/*/b/*", "GET/a/*/b/*/?*"][..]),
        (all, &["get /c"], &["GET/c"], &["GET/a", "GET/a/*"]),
        (greedy, greedy, &["*/*"], &[]),
        // What is longer than the allowed route is denied at once, but for what a slash alone makes longer.
        (literal, &["get /a/{x}"], &["GET/a/*"], &["GET/a/*/b/", "GET/a/*/?*"]),
        (parameter, &["get /a/{x}"], &["GET/a/*"], &["GET/a/*/*", "GET/a/*/?*"]),
    ] {
        let patterns = allowing(&table(routes), allowed);
        let owned = |patterns: &[&str]| patterns.iter().copied().map(str::to_owned).collect();
        assert_eq!(
            patterns,
            Patterns { allow: owned(allow), deny: owned(deny) },
            "{allowed:?} of {routes:?}"
        );
    }
}

#[test]
fn what_no_route_serves_is_allowed_by_nothing() {
    let orders = &["get /orders", "get /orders/{id}", "any /health", "get /a/{x}/b"][..];
    let deep = &["get /orders/{id}", "get /orders/{id}/items"][..];
    let all = &["any /", "any /{proxy+}"][..];
    let files = &["get /{tenant}/files/{proxy+}"][..];
    // Those allowed are all of a table's routes, but for the last rows.
    for (routes, allowed, request, expected) in [
        (orders, orders, "GET /orders/42", true),
        (orders, orders, "GET /orders/42/", true),
        (orders, orders, "GET /orders/42/refund", false),
        (orders, orders, "GET /orders/42/refund/7", false),
        (orders, orders, "GET /a/1/b", true),
        (orders, orders, "GET /a/1/2/b", false),
        (orders, orders, "PATCH /health", true),
        (orders, orders, "GET /admin/health", false),
        (orders, orders, "GET /health/deep", false),
        (deep, deep, "GET /orders/42/items", true),
        // IAM cannot tell this from an order's items.
        (deep, deep, "GET /orders/42/refund", true),
        (deep, &["get /orders/{id}"], "GET /orders/42/refund", false),
        (deep, &["get /orders/{id}"], "GET /orders/42/items", false),
        (files, files, "GET /acme/files/x/y", true),
        (files, files, "GET /acme/admin", false),
        // IAM cannot tell this from a tenant's file that is in a folder named files.
        (files, files, "GET /acme/admin/files/x", true),
        (all, all, "PUT /a/b", true),
        (all, &["any /{proxy+}"], "GET /", false),
        (all, &["any /{proxy+}"], "GET /a", true),
        (all, &["any /"], "GET /", true),
        (all, &["any /"], "GET /a", false),
    ] {
        let table = table(routes);
        assert!(table.is_precise());
        let patterns = allowing(&table, allowed);
        assert_eq!(is_allowed(&patterns, request), expected, "{request}, allowed {allowed:?}: {patterns:?}");
    }
}

#[test]
fn common_shapes_of_apis_can_be_expressed() {
    for routes in [
        &["any /", "any /{proxy+}"][..],
        &["$default", "get /health"],
        &["any /users", "any /users/{id}", "any /users/{id}/orders"],
        &["any /orders", "any /orders/{id}", "get /orders/{id}/items"],
        &["get /", "get /{proxy+}", "post /{proxy+}"],
        &["get /users/{id}", "put /users/{id}", "get /users/{id}/posts", "get /users/{id}/posts/{post}"],
        &["any /{tenant}/users", "any /{tenant}/users/{id}", "get /{tenant}/bills/{id}"],
    ] {
        assert_eq!(RouteTable::new(routes.iter().copied()).map(drop), Ok(()), "{routes:?}");
    }
}

#[test]
fn a_table_too_large_for_precise_patterns_has_looser_ones_and_still_says_what_is_meant() {
    let names: Vec<String> = (0..30).map(|number| format!("any /resource-{number}/{{id}}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let table = table(&names);
    assert!(!table.is_precise() && table.too_many().is_empty());
    let patterns = allowing(&table, &["any /resource-1/{id}"]);
    assert!(is_allowed(&patterns, "GET /resource-1/42"));
    assert!(!is_allowed(&patterns, "GET /resource-2/42"));
}

/// 7,000 bytes of an answer are for patterns, each of which has 83 around it.
#[test]
fn patterns_are_precise_as_long_as_an_answer_holds_all_of_them() {
    // `GET/{path}`, that with a slash more, `GET/{path}/*`, and `GET/{path}/*/?*`.
    let bytes = |path: usize| 4 * (4 + path + 83) + 8;
    let is_precise = |first: usize| {
        let paths = (0..10).map(|number| (number, if number == 0 { first } else { 86 }));
        let names: Vec<String> = paths
            .map(|(number, length)| format!("{number:0>length$}"))
            .flat_map(|path| [format!("get /{path}"), format!("get /{path}/{{id}}")])
            .collect();
        table(&names.iter().map(String::as_str).collect::<Vec<_>>()).is_precise()
    };
    assert_eq!((10 * bytes(86), is_precise(86)), (7_000, true));
    assert_eq!((9 * bytes(86) + bytes(87), is_precise(87)), (7_004, false));
}

#[test]
fn routes_that_no_answer_holds_are_named_from_the_first_that_does_not_fit() {
    // `GET/{path}` and 83 bytes around it: 140.
    let names: Vec<String> = (0..52).map(|number| format!("get /{number:0>53}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(table(&names[..50]).too_many(), [""; 0]);
    assert_eq!(table(&names).too_many(), names[50..]);
}

#[test]
fn routes_that_overlap_in_too_many_ways_are_refused_and_not_waited_for() {
    // Each of these may stand for any part of a path: there is a class for each subset of them.
    let names: Vec<String> = (0..24)
        .map(|number| {
            let path: String = (0..24).map(|at| if at == number { "/x" } else { "/{p}" }).collect();
            format!("any {path}")
        })
        .collect();
    let error = RouteTable::new(names.iter().map(String::as_str)).unwrap_err();
    assert_eq!(error, RouteTableError::TooComplex);
}

#[test]
fn the_route_that_serves_a_request_is_the_one_that_api_gateway_prefers() {
    let files = &["$default", "get /a/{proxy+}", "get /a", "get /"][..];
    let orders = &["get /a/{x}", "get /a/b", "any /c/{x}", "post /c/{x}", "post /a/{x}/b"][..];
    for (routes, request, expected) in [
        (files, "GET/", Some("get /")),
        (files, "GET/a", Some("get /a")),
        (files, "GET/a/", Some("get /a")),
        (files, "GET/a/b/c", Some("get /a/{proxy+}")),
        (files, "PUT/a/b", Some("$default")),
        (files, "PUT", Some("$default")),
        (orders, "GET/a/b", Some("get /a/b")),
        (orders, "GET/a/b/", Some("get /a/b")),
        (orders, "GET/a/c", Some("get /a/{x}")),
        (orders, "GET/a/c/", None),
        (orders, "GET/a", None),
        (orders, "POST/c/1", Some("post /c/{x}")),
        (orders, "PUT/c/1", Some("any /c/{x}")),
        (orders, "POST/a/1/b", Some("post /a/{x}/b")),
        (orders, "$connect", None),
    ] {
        let table = table(routes);
        let found = table.serve(request).map(|position| table.routes()[position].name());
        assert_eq!(found, expected, "{request}");
    }
    let connect = table(&["$connect"]);
    assert_eq!((connect.serve("$connect"), connect.serve("$connect/")), (Some(0), None));
}

#[test]
fn a_route_is_found_by_what_api_gateway_calls_it() {
    let table = table(&["get /a/{x}", "any /a/{x}", "$connect"]);
    for (key, expected) in [
        ("GET /a/{id}", Some("get /a/{x}")),
        ("PUT /a/{id}", Some("any /a/{x}")),
        ("ANY /a/{id}", Some("any /a/{x}")),
        ("$connect", Some("$connect")),
        ("$default", None),
        ("GET /a", None),
        ("GET /a/{id+}", None),
        ("$disconnect", None),
        ("", None),
    ] {
        let found = table.find(key).map(|position| table.routes()[position].name());
        assert_eq!(found, expected, "{key}");
    }
}

#[test]
fn tables_that_iam_cannot_express_are_refused_by_the_names_of_their_routes() {
    for (routes, denied, cover, allowed) in [
        // Denying one order would deny what the greedy route serves below it.
        (&["get /orders/{id}", "any /{proxy+}"][..], "get /orders/{id}", "any /{proxy+}", "any /{proxy+}"),
        // Denying the greedy part would deny the exact route under it.
        (&["$default", "get /a/{proxy+}", "get /a/b"], "get /a/{proxy+}", "$default", "get /a/b"),
    ] {
        let error = RouteTable::new(routes.iter().copied()).unwrap_err();
        let [denied, cover, allowed] = [denied, cover, allowed].map(str::to_owned);
        assert_eq!(error, RouteTableError::Inexpressible { denied, cover, allowed });
    }
}

#[test]
fn what_is_no_route_is_refused_by_name() {
    for (name, expected) in [
        ("", InvalidRoute::NotRoute),
        ("/orders", InvalidRoute::NotRoute),
        ("get", InvalidRoute::NotRoute),
        ("get orders", InvalidRoute::NotRoute),
        ("GET /orders", InvalidRoute::NotRoute),
        ("trace /orders", InvalidRoute::NotRoute),
        ("get  /orders", InvalidRoute::NotRoute),
        ("$disconnect", InvalidRoute::NotRoute),
        ("get /orders/", InvalidRoute::Segment),
        ("get //orders", InvalidRoute::Segment),
        ("get /orders/*", InvalidRoute::Segment),
        ("get /orders/?", InvalidRoute::Segment),
        ("get /${aws:username}", InvalidRoute::Segment),
        ("get /or ders", InvalidRoute::Segment),
        ("get /%6Frders", InvalidRoute::Segment),
        ("get /{}", InvalidRoute::Segment),
        ("get /{id", InvalidRoute::Segment),
        ("get /v{id}", InvalidRoute::Segment),
        ("get /{proxy+}/items", InvalidRoute::GreedyInside),
    ] {
        let error = RouteTable::new([name]).unwrap_err();
        assert_eq!(error, RouteTableError::Invalid { name: name.to_owned(), error: expected });
    }
    let of_length = |bytes: usize| RouteTable::new([format!("get /{}", "a".repeat(bytes - 5)).as_str()]);
    assert!(of_length(300).is_ok());
    let too_long = of_length(301).unwrap_err();
    assert!(matches!(too_long, RouteTableError::Invalid { error: InvalidRoute::TooLong, .. }), "{too_long}");
}

#[test]
fn the_same_route_twice_is_refused_whatever_its_parameters_are_called() {
    for (one, other) in [("get /orders", "get /orders"), ("get /orders/{id}", "get /orders/{order}")] {
        let error = RouteTable::new([one, other]).unwrap_err();
        assert_eq!(error, RouteTableError::Same(one.to_owned(), other.to_owned()));
    }
}

#[test]
fn iams_verdict_is_the_decision_on_the_route_that_api_gateway_picks() {
    const POOL: &[&str] = &[
        "get /a",
        "post /a",
        "any /a",
        "get /b",
        "get /a/b",
        "get /a/{x}",
        "post /a/{x}",
        "any /a/{x}",
        "get /{x}",
        "get /{x}/b",
        "any /{x}/a",
        "get /a/{x}/b",
        "post /a/{x}/b",
        "get /a/{x}/{y}",
        "get /a/{x}/b/{y}",
        "get /a/b/a",
        "get /{proxy+}",
        "any /{proxy+}",
        "get /a/{proxy+}",
        "any /a/b/{proxy+}",
        "$default",
    ];
    let tables = subsequence(POOL, 1..7).prop_shuffle();
    let paths = prop::collection::vec(select(&["a", "b", "v1", "v2", "a:b"][..]), 1..6);
    let requests = prop::collection::vec((select(&["GET", "POST", "PUT"][..]), paths), 40);
    let cases = (tables, any::<[bool; 8]>(), requests);
    let [checked, allowed_at_all, refused] = [const { Cell::new(0_u32) }; 3];
    let count = |counter: &Cell<u32>, more: bool| counter.set(counter.get() + u32::from(more));
    let mut runner = TestRunner::new(Config { cases: 4_000, failure_persistence: None, ..Config::default() });
    runner
        .run(&cases, |(routes, allowed, requests)| {
            let table = match RouteTable::new(routes.iter().copied()) {
                Ok(table) => table,
                Err(RouteTableError::Inexpressible { .. }) => {
                    count(&refused, true);
                    return Ok(());
                }
                Err(error) => return Err(TestCaseError::fail(error.to_string())),
            };
            let patterns = table.patterns(|position| allowed[position]);
            for (verb, path) in requests {
                let Some((route, is_ordinary)) = serving_route(&routes, verb, &path) else { continue };
                let request = format!("{verb} /{}", path.join("/"));
                let verdict = is_allowed(&patterns, &request);
                prop_assert_eq!(table.serve(&request.replacen(" /", "/", 1)), Some(route), "{}", request);
                // Never more than was decided; and less only where a value is another route's text.
                prop_assert!(!verdict || allowed[route], "{request} of {routes:?} passes: {patterns:?}");
                if is_ordinary {
                    prop_assert_eq!(verdict, allowed[route], "{} of {:?}: {:?}", request, routes, patterns);
                }
                count(&checked, true);
                count(&allowed_at_all, verdict);
            }
            Ok(())
        })
        .unwrap();
    let [checked, allowed_at_all, refused] = [checked, allowed_at_all, refused].map(Cell::into_inner);
    println!("{checked} requests checked, {allowed_at_all} allowed; {refused} tables refused");
    assert!(checked > 5_000 && allowed_at_all > 1_000, "{checked} {allowed_at_all}");
}
