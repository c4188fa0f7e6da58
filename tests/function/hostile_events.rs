//! Events that a caller, or a mistake in the console, could make.

use super::*;

/// What is sent, and what the client should see.
struct Case {
    name: &'static str,
    event: Vec<u8>,
    status: u16,
}

#[tokio::test]
async fn no_event_ends_the_function_or_comes_back_in_its_answer_or_its_log() {
    let (_issuer, function) = start(&[]).await;
    let token = token(&KEY);
    for Case { name, event, status } in cases(&token) {
        let answer = function.invoke(event).await;
        let seen = client_status(&good_event(Shape::HttpV2), &answer.outcome);
        assert_eq!(seen, status, "{name}: {answer:?}");
        let line = function.log_line(&answer.request_id).await.unwrap();
        let said = format!("{answer:?} {line}");
        assert!(!token.split('.').any(|part| said.contains(part)), "{name}: {said}");
        assert_eq!(ask(&function, &KEY).await.0, 200, "after {name}");
    }
}

fn cases(token: &str) -> Vec<Case> {
    let header = |value: &str| event(Shape::HttpV2, value).to_string();
    // A good token, and this in a header that nothing depends on.
    let beside = |bytes: &[u8]| replace(&header(token), "curl/8.5.0", bytes);
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let case = |name, event, status| Case { name, event, status };
    vec![
        case("no bytes", Vec::new(), 500),
        case("a token that is no event", token.into(), 500),
        case("half an event", header(token).split_at(900).0.into(), 500),
        case("a NUL that is not escaped", replace(&header("NUL"), "NUL", b"\0"), 500),
        case("brackets without end", "[".repeat(100_000).into(), 500),
        case("a NUL in a token", header(&format!("{token}\0")).into(), 401),
        case("a token of 1 MB", header(&token.repeat(1_500)).into(), 401),
        case("a token of 100,000 dots", header(&".".repeat(100_000)).into(), 401),
        case("half a surrogate pair for a token", replace(&header("HALF"), "HALF", br"\ud800"), 401),
        case("no UTF-8 in a token", replace(&header(&format!("{token}BYTE")), "BYTE", b"\xff"), 401),
        case("deep JSON for a token", replace(&header("DEEP"), "\"DEEP\"", deep.as_bytes()), 401),
        case("no UTF-8 elsewhere", beside(b"\xff"), 200),
        case("1 MB elsewhere", beside(&[b'a'; 1_000_000]), 200),
        case("deep JSON elsewhere", replace(&header(token), "\"/prod/orders/42\"", deep.as_bytes()), 200),
    ]
}

/// The event with `bytes`, which need not be text, in place of every `part`.
fn replace(event: &str, part: &str, bytes: &[u8]) -> Vec<u8> {
    assert!(event.contains(part), "{part} is not there");
    event.split(part).map(str::as_bytes).collect::<Vec<_>>().join(bytes)
}
