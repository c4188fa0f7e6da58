//! What changes when something is broken, and when it is mended.

use tokio::time::timeout;

use crate::{
    browser::{Page, visit},
    check_shown,
    served::PATIENCE,
    word,
};

#[tokio::test]
#[ignore = "needs chromium-driver: .ci/browser runs it"]
async fn an_answer_is_kept_until_the_cache_is_cleared_and_a_cold_start_asks_for_keys() {
    visit(async |page| {
        page.choose("user", "reader").await;
        page.press("GET /orders").await;
        assert!(page.text("#stations").await.contains("was asked, and said allow"));
        assert!(page.text("#times").await.contains("in the function"));
        page.press("Call again").await;
        assert!(page.text("#stations").await.contains("kept an answer"));
        // What it denies elsewhere is not about this route.
        assert!(!page.status().await.contains("not_permitted"));
        assert!(!page.text("#times").await.contains("in the function"));
        assert!(page.text("#state").await.contains("Answers the gateway keeps\n1,"));
        page.press("Clear the gateway’s cache").await;
        assert!(page.text("#state").await.contains("Answers the gateway keeps\n0,"));
        page.press("Call again").await;
        assert!(page.text("#stations").await.contains("was asked, and said allow"));

        let before = key_requests(&page).await;
        page.press("Restart the function").await;
        page.press("Clear the gateway’s cache").await;
        page.press("Call again").await;
        assert_ne!(key_requests(&page).await, before);
        assert!(page.text("#state").await.contains("Function started\n2 times"));
    })
    .await;
}

/// How often the page says that the keys were asked for; a stale set is asked for again after a while.
async fn key_requests(page: &Page) -> String {
    page.text("#state dd:nth-of-type(2)").await
}

#[tokio::test]
#[ignore = "needs chromium-driver: .ci/browser runs it"]
async fn a_rotated_key_harms_nobody_and_a_withdrawn_one_ends_its_tokens() {
    visit(async |page| {
        page.choose("user", "reader").await;
        page.press("GET /orders").await;
        page.press("Rotate the key").await;
        assert!(page.text("#keys").await.contains("key-3 access tokens yes"));
        page.press("Clear the gateway’s cache").await;
        page.press("Call again").await;
        check_shown(&page, "GET /orders", 200).await;

        page.choose("user", "administrator").await;
        assert!(page.text("#token-header .read").await.contains("key-3"));
        press_until(&page, "GET /orders", 200).await;
        page.press("Withdraw the key").await;
        assert!(page.text("#keys").await.contains("key-3 nothing more withdrawn"));
        assert!(page.text("#token-header .read").await.contains("withdrawn"));
        page.press("Call again").await;
        assert!(page.status().await.contains("as kept"), "{}", page.status().await);
        press_until(&page, "GET /orders", 401).await;
        assert!(page.text("#meaning").await.contains("unknown_key"));
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium-driver: .ci/browser runs it"]
async fn an_issuer_that_is_down_is_never_a_bad_token() {
    visit(async |page| {
        page.choose("user", "reader").await;
        page.press("GET /orders").await;
        page.press("Take the issuer down").await;
        assert!(page.text("#state").await.contains("Issuer\ndown"));
        page.press("Clear the gateway’s cache").await;
        page.press("Call again").await;
        check_shown(&page, "GET /orders", 200).await;

        page.press("Restart the function").await;
        page.press("Clear the gateway’s cache").await;
        page.press("Call again").await;
        check_shown(&page, "GET /orders", 500).await;
        assert!(page.text("#meaning").await.contains("keys_unavailable"));

        page.press("Bring the issuer back").await;
        press_until(&page, "GET /orders", 200).await;
    })
    .await;
}

/// Presses and has the gateway ask anew, until the function has fetched the keys again: it does so after a while.
async fn press_until(page: &Page, request: &str, status: u16) {
    let pressing = async {
        page.press(request).await;
        while !page.text("#outcome").await.starts_with(&word(status)) {
            page.press("Clear the gateway’s cache").await;
            page.press(request).await;
        }
    };
    timeout(PATIENCE, pressing).await.unwrap();
    check_shown(page, request, status).await;
}
