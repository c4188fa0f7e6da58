//! What the page is to those who hear it, and on which screens it can be read.

use std::{env, path::Path};

use serde_json::json;

use crate::browser::{Page, visit};

#[tokio::test]
#[ignore = "needs chromium-driver: .ci/browser runs it"]
async fn everything_has_a_name_for_those_who_hear_the_page() {
    visit(async |page| {
        assert_eq!(page.evaluate(UNNAMED).await, json!([]));
        assert_eq!(page.find("#status").await.attr("role").await.unwrap().as_deref(), Some("status"));
        let levels =
            "return [...document.querySelectorAll('h1, h2, h3, h4')].map((it) => Number(it.tagName[1]))";
        let levels: Vec<u8> = serde_json::from_value(page.evaluate(levels).await).unwrap();
        assert_eq!(levels[0], 1);
        assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{levels:?}");
    })
    .await;
}

/// What can be used or read as a whole, and has no name.
const UNNAMED: &str = "
    const named = (it) => it.labels?.length || it.querySelector('caption, legend')
        || it.tagName === 'BUTTON' && it.textContent.trim() || it.closest('#times');
    const all = document.querySelectorAll('input, select, textarea, button, table, fieldset');
    return [...all].filter((it) => !named(it)).map((it) => it.outerHTML);
";

#[tokio::test]
#[ignore = "needs chromium-driver: .ci/browser runs it"]
async fn nothing_scrolls_sideways_on_a_screen_of_360_pixels() {
    visit(async |page| {
        page.resize(360, 740).await;
        check_width(&page, 360).await;
        page.choose("user", "administrator").await;
        check_width(&page, 360).await;
        for request in ["GET /orders", "DELETE /orders/42"] {
            page.press(request).await;
            page.open_all().await;
            check_width(&page, 360).await;
        }
        page.press("Withdraw the key").await;
        page.press("Call every route").await;
        check_width(&page, 360).await;
    })
    .await;
}

async fn check_width(page: &Page, width: u32) {
    let widths = "const { scrollWidth, clientWidth } = document.documentElement;
        return [scrollWidth, clientWidth, innerWidth]";
    let widths: [u32; 3] = serde_json::from_value(page.evaluate(widths).await).unwrap();
    assert!(widths[0] <= widths[1] && widths[2] == width, "{widths:?}");
}

/// Writes pictures where `PAGE_PICTURES` says, for whoever looks at them; local.png is the README's.
#[tokio::test]
#[ignore = "needs chromium-driver: .ci/browser runs it"]
async fn text_is_readable_in_light_and_dark_on_wide_and_narrow_screens() {
    visit(async |page| {
        page.choose("user", "reader").await;
        page.press("Call every route").await;
        page.press("Clear the gateway’s cache").await;
        page.press("DELETE /orders/42").await;
        for (screen, width, height) in [("wide", 1280, 1210), ("narrow", 360, 740)] {
            page.resize(width, height).await;
            for scheme in ["dark", "light"] {
                page.prefer(scheme).await;
                let faint = page.evaluate(include_str!("contrast.js")).await;
                assert_eq!(faint, json!([]), "{screen}, {scheme}");
                take_picture(&page, &format!("{screen}-{scheme}.png"), width).await;
            }
        }
        page.resize(1280, 1210).await;
        page.evaluate("document.querySelector('#call-title').scrollIntoView()").await;
        save_picture(&page, "local.png").await;
    })
    .await;
}

/// Of the whole page.
async fn take_picture(page: &Page, name: &str, width: u32) {
    let height = page.evaluate("return document.documentElement.scrollHeight").await.as_u64().unwrap();
    page.resize(width, u32::try_from(height).unwrap()).await;
    save_picture(page, name).await;
}

#[expect(clippy::disallowed_methods, reason = "a picture is asked for from outside")]
async fn save_picture(page: &Page, name: &str) {
    if let Some(folder) = env::var_os("PAGE_PICTURES") {
        page.driver.screenshot(&Path::new(&folder).join(name)).await.unwrap();
    }
}
