//! Does the README's check of one's own policies say what they mean?

#![cfg(feature = "cedar")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::process::{Command, Output};

fn explain(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "--locked", "--quiet", "--example", "explain", "--"]).args(arguments);
    command.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn each_of_the_examples_people_gets_a_verdict_on_every_route_with_the_policies_behind_it() {
    let (by_group, no) = ("allow  permitted by admins-do-everything", "deny   no policy permits it");
    let look = "allow  permitted by readers-look";
    for (person, expected) in
        [("administrator", [by_group; 6]), ("reader", [look, no, look, look, no, no]), ("stranger", [no; 6])]
    {
        let claims = format!("examples/explain/{person}.json");
        let output = explain(&["--policies", "layer/policies", "--claims", &claims]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let printed = text(&output.stdout);
        let routes = [
            "$connect",
            "delete /orders/{id}",
            "get /orders",
            "get /orders/{id}",
            "get /orders/{id}/items",
            "post /orders",
        ];
        for (route, verdict) in routes.into_iter().zip(expected) {
            let line = format!("  {route:<22}  {verdict}\n");
            assert!(printed.contains(&line), "{line:?} is not in\n{printed}");
        }
        let document = printed.split_once("\n{").unwrap().1;
        let document: serde_json::Value = serde_json::from_str(&format!("{{{document}")).unwrap();
        assert_eq!(document["Version"], "2012-10-17");
    }
}

#[test]
fn what_cannot_be_explained_is_said_in_words_and_by_the_exit_code() {
    let claims = "examples/explain/reader.json";
    for (arguments, code, expected) in [
        (&[][..], 2, "usage: cargo run --example explain -- --policies DIR --claims FILE"),
        (&["--policies", "layer/policies"], 2, "usage: "),
        (&["--policies", "layer/policies", "--claims"], 2, "usage: "),
        (&["--policies", "src", "--claims", claims], 1, "is a folder: put policies beside the schema"),
        (&["--policies", "layer/policies", "--claims", "no-such-file"], 1, "no-such-file: "),
        (
            &["--policies", "layer/policies", "--claims", "README.md"],
            1,
            "README.md:1: not a json object of claims",
        ),
    ] {
        let output = explain(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        let complaint = text(&output.stderr);
        assert!(complaint.contains(expected), "{complaint}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}
