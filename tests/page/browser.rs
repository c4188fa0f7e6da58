//! A browser on the page of a gateway of its own.

use std::{path::Path, process::Stdio, time::Duration};

use cognito_authorizer::token::HttpsFetch;
use serde_json::{Value, json};
use thirtyfour::{
    By, ChromiumLikeCapabilities, DesiredCapabilities, WebDriver, WebElement, error::WebDriverError,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::{sleep, timeout},
};

use crate::served::{Local, PATIENCE};

/// The page, opened.
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) driver: WebDriver,
    gateway: String,
}

/// What starts browsers, and is killed when it is dropped.
struct Chromedriver {
    process: Child,
    /// Held open: what it prints must not fail.
    _output: Lines<BufReader<ChildStdout>>,
    port: String,
}

/// Opens the page of a new gateway in a new browser, goes on a journey there, and sees that the page behaved: it logged
/// no error, and asked nobody but its gateway. The browser ends whatever the journey met.
pub(crate) async fn visit<F: Future<Output = ()>>(journey: impl FnOnce(Page) -> F) {
    visit_served(&[], journey).await;
}

/// The same with a gateway that is served in this way.
pub(crate) async fn visit_served<F: Future<Output = ()>>(
    arguments: &[&str],
    journey: impl FnOnce(Page) -> F,
) {
    let local = Local::serve(arguments).await;
    // Not the target's folder: the name of a socket, which is one of them, is short.
    let files = std::env::temp_dir().join(format!("cognito-authorizer-page-{}", local.pid()));
    std::fs::create_dir(&files).unwrap();
    let mut chromedriver = Chromedriver::start(&files).await;
    let visited = chromedriver.start_browser().await.run_and_quit(async |driver| {
        let page = Page { driver, gateway: local.gateway.clone() };
        page.driver.goto(format!("{}/", page.gateway)).await?;
        page.settle().await;
        journey(page.clone()).await;
        page.check_manners().await;
        Ok::<(), WebDriverError>(())
    });
    visited.await.unwrap();
    chromedriver.process.kill().await.unwrap();
    std::fs::remove_dir_all(&files).unwrap();
}

impl Chromedriver {
    /// With a folder for its files and the browser's.
    async fn start(files: &Path) -> Self {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").env("TMPDIR", files).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().expect("chromedriver: .ci/browser installs it");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        loop {
            let line = lines.next_line().await.unwrap().expect("a line with the port");
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                let port = port.trim_end_matches('.').to_owned();
                return Self { process, _output: lines, port };
            }
        }
    }

    async fn start_browser(&self) -> WebDriver {
        let mut capabilities = DesiredCapabilities::chrome();
        for argument in BROWSER {
            capabilities.add_arg(argument).unwrap();
        }
        let logs = json!({ "browser": "ALL", "performance": "ALL" });
        capabilities.as_mut().set("goog:loggingPrefs", logs).unwrap();
        let client = HttpsFetch::default().client().unwrap().clone();
        let address = format!("http://127.0.0.1:{}", self.port);
        WebDriver::builder(address, capabilities).client(client).connect().await.unwrap()
    }
}

impl Page {
    /// Waits until what was pressed is done.
    pub(crate) async fn settle(&self) {
        let is_busy = "return document.querySelector('main').ariaBusy === 'true'";
        let settled = async {
            while self.evaluate(is_busy).await == json!(true) {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, settled).await.unwrap();
    }

    /// Turns to the radio button of that name and value.
    pub(crate) async fn choose(&self, name: &str, value: &str) {
        self.click(By::Css(format!("input[name='{name}'][value='{value}']"))).await;
    }

    /// Presses the button of that text.
    pub(crate) async fn press(&self, text: &str) {
        self.click(By::XPath(format!("//button[normalize-space()='{text}']"))).await;
    }

    async fn click(&self, by: By) {
        let found = self.driver.find(by).await.unwrap();
        // Out from under the line at the bottom, as a person would.
        found.scroll_into_view().await.unwrap();
        found.click().await.unwrap();
        self.settle().await;
    }

    /// What the page says last, in its line at the bottom.
    pub(crate) async fn status(&self) -> String {
        self.text("#status").await
    }

    /// What a reader sees there.
    pub(crate) async fn text(&self, selector: &str) -> String {
        self.find(selector).await.text().await.unwrap()
    }

    pub(crate) async fn find(&self, selector: &str) -> WebElement {
        let found = self.driver.find(By::Css(selector)).await;
        found.unwrap_or_else(|error| panic!("{selector}: {error}"))
    }

    pub(crate) async fn evaluate(&self, script: &str) -> Value {
        self.driver.execute(script, Vec::new()).await.unwrap().json().clone()
    }

    /// Opens whatever is there for those who want more.
    pub(crate) async fn open_all(&self) {
        self.evaluate("document.querySelectorAll('details').forEach((it) => it.open = true)").await;
    }

    /// A screen of that width, as telephones have it.
    pub(crate) async fn resize(&self, width: u32, height: u32) {
        let screen = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.driver.cdp().send_raw("Emulation.setDeviceMetricsOverride", screen).await.unwrap();
    }

    /// `light` or `dark`.
    pub(crate) async fn prefer(&self, scheme: &str) {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.driver.cdp().send_raw("Emulation.setEmulatedMedia", features).await.unwrap();
    }

    async fn check_manners(&self) {
        let logged = self.driver.browser_log().await.unwrap();
        assert!(logged.is_empty(), "the console says {logged:?}");
        let requested = self.requested().await;
        assert!(requested.iter().any(|url| url.ends_with("/_local/style.css")), "no requests were logged");
        let elsewhere: Vec<&String> = requested.iter().filter(|url| !self.is_own(url)).collect();
        assert!(elsewhere.is_empty(), "the page asked for {elsewhere:?}");
    }

    /// The empty page that a browser begins with is nobody's.
    fn is_own(&self, url: &str) -> bool {
        url.starts_with(&format!("{}/", self.gateway)) || url.starts_with("data:,")
    }

    async fn requested(&self) -> Vec<String> {
        let entries = self.driver.get_log("performance").await.unwrap();
        let messages = entries.iter().map(|entry| serde_json::from_str::<Value>(&entry.message).unwrap());
        let sent = messages.filter(|message| message["message"]["method"] == "Network.requestWillBeSent");
        sent.map(|message| message["message"]["params"]["request"]["url"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// Without a sandbox, which root cannot have, and without a way off this machine.
const BROWSER: [&str; 6] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--window-size=1280,900",
];
