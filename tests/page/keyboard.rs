//! The page without a mouse.

use serde_json::{Value, json};
use thirtyfour::Key;

use crate::{
    browser::{Page, visit},
    check_shown,
};

#[tokio::test]
#[ignore = "needs chromium-driver: .ci/browser runs it"]
async fn a_request_can_be_made_and_understood_with_the_keyboard_alone() {
    visit(async |page| {
        tab_to(&page, "nobody").await;
        press(&page, Key::Down).await;
        press(&page, Key::Down).await;
        assert_eq!(page.status().await, "Signed in as reader.");
        tab_to(&page, "GET /orders").await;
        press(&page, Key::Enter).await;
        check_shown(&page, "GET /orders", 200).await;
        // The focus stays where it was: one tab on is the next route.
        tab_to(&page, "POST /orders").await;
        press(&page, Key::Space).await;
        check_shown(&page, "POST /orders", 403).await;
        for (switch, said) in [
            ("Clear the gateway’s cache", "forgotten"),
            ("Take the issuer down", "is down"),
            ("Restart the function", "cold start"),
        ] {
            tab_to(&page, switch).await;
            press(&page, Key::Enter).await;
            assert!(page.status().await.contains(said), "{switch}");
        }
        tab_to(&page, "Call again").await;
        press(&page, Key::Enter).await;
        check_shown(&page, "POST /orders", 500).await;
    })
    .await;
}

async fn press(page: &Page, key: Key) {
    page.driver.action_chain().send_keys(key).perform().await.unwrap();
    page.settle().await;
}

/// Goes on, stop by stop, to what has that text or label. Every stop is seen to have the focus.
async fn tab_to(page: &Page, text: &str) {
    for _ in 0..MOST_STOPS {
        press(page, Key::Tab).await;
        let stop = page.evaluate(STOP).await;
        assert_eq!(stop["outlined"], json!(true), "{stop}");
        assert_eq!(stop["uncovered"], json!(true), "{stop}");
        if is_called(&stop, text) {
            return;
        }
    }
    panic!("{text} is not reached by {MOST_STOPS} tabs");
}

fn is_called(stop: &Value, text: &str) -> bool {
    stop["name"].as_str().is_some_and(|name| name == text || name.starts_with(&format!("{text} ")))
}

/// What has the focus, whether that can be seen, and whether the line at the bottom leaves it free.
const STOP: &str = "
    const it = document.activeElement;
    const footer = document.querySelector('footer');
    const uncovered = footer.contains(it)
        || it.getBoundingClientRect().top < footer.getBoundingClientRect().top;
    const outlined = it !== document.body && getComputedStyle(it).outlineStyle !== 'none';
    const name = (it.labels?.[0] ?? it).textContent.trim().replace(/\\s+/g, ' ');
    return { name: name.slice(0, 60), outlined, uncovered };
";

/// More than the page has.
const MOST_STOPS: usize = 60;
