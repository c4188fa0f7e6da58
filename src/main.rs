//! The function: configuration, authorizer, Lambda's runtime loop.

use std::{
    error::Error as StdError,
    io::{Write, stderr},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use cognito_authorizer::{
    authorizer::{Authorizer, Error, Record},
    config::{Config, Lambda, Problems},
    gateway::{Payload, Response},
    telemetry::{Invocation, Level, LogFormat, Telemetry, TelemetrySettings},
    time::{Stopwatch, UnixTime},
    token::HttpsFetch,
};
use lambda_runtime::{
    Diagnostic, LambdaEvent, LambdaInvocation, Runtime, service_fn, tower::util::MapRequestLayer,
};

fn main() -> ExitCode {
    // Before any variable is read: what panics while it reads one might quote it.
    Telemetry::new(UNTIL_CONFIGURED).hide_panic_messages(UnixTime::now);
    let Some(lambda) = Lambda::from_env() else {
        complain(OUTSIDE_LAMBDA);
        return ExitCode::from(2);
    };
    // Where Lambda sends one event at a time, more threads than one cost twice as much for each.
    let mut builder = if lambda.is_concurrent {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    let runtime = match builder.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(&lambda)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

async fn run(lambda: &Lambda) -> Result<(), Box<dyn StdError + Send + Sync>> {
    let config = match Config::from_env() {
        Ok(config) => config,
        Err(problems) => {
            report_init_error(lambda, &HttpsFetch::default(), &problems).await;
            return Err(problems.into());
        }
    };
    let telemetry = Telemetry::new(config.telemetry);
    telemetry.clone().hide_panic_messages(UnixTime::now);
    let now = UnixTime::now();
    config.notices.iter().for_each(|notice| telemetry.notice(Level::Warn, now, notice));
    let fetch = HttpsFetch::trusting(config.authorities);
    let authorizer = Arc::new(Authorizer::new(config.authorizer, fetch, now));
    if let Some(Err(error)) = authorizer.verifier().warm_up(now).await {
        let message = format!("no keys fetched at start: {error}; the first request tries again");
        telemetry.notice(Level::Warn, now, &message);
    }
    let handler = service_fn(move |event| serve(Arc::clone(&authorizer), telemetry.clone(), event));
    Runtime::new(handler).layer(MapRequestLayer::new(repair_utf8)).run_concurrent().await
}

/// One invocation: the clock is read here, once.
async fn serve(
    authorizer: Arc<Authorizer<HttpsFetch>>,
    telemetry: Telemetry,
    event: LambdaEvent<Payload>,
) -> Result<Response, Diagnostic> {
    let (started_at, stopwatch) = (UnixTime::now(), Stopwatch::start());
    let mut record = Record::default();
    let answer = authorizer.authorize(event.payload.as_str(), started_at, &mut record).await;
    let invocation = Invocation {
        request_id: &event.context.request_id,
        trace_header: event.context.xray_trace_id.as_deref(),
        started_at,
        duration: stopwatch.elapsed(),
    };
    telemetry.log(&invocation, &record);
    answer.map_err(diagnose)
}

/// What Lambda is told: the exact word that becomes a 401, or a fixed text.
fn diagnose(error: Error) -> Diagnostic {
    let error_type = match error {
        Error::Unauthorized(_) => "Unauthorized",
        Error::Internal(_) => "InternalError",
    };
    Diagnostic { error_type: error_type.to_owned(), error_message: error.to_string() }
}

/// JSON is UTF-8 (RFC 8259 §8.1). Should a caller's bytes ever reach an event as they are, they spoil their
/// own value and not the event.
fn repair_utf8(mut invocation: LambdaInvocation) -> LambdaInvocation {
    if str::from_utf8(&invocation.body).is_err() {
        invocation.body = String::from_utf8_lossy(&invocation.body).into_owned().into();
    }
    invocation
}

/// Tells Lambda why the function does not start.
/// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-initerror>
async fn report_init_error(lambda: &Lambda, fetch: &HttpsFetch, problems: &Problems) {
    let body = serde_json::json!({ "errorType": INIT_ERROR_TYPE, "errorMessage": problems.to_string() });
    let Some(client) = fetch.client() else { return };
    let url = format!("http://{}/2018-06-01/runtime/init/error", lambda.runtime_api);
    let request = client
        .post(url)
        .header("lambda-runtime-function-error-type", INIT_ERROR_TYPE)
        .timeout(Duration::from_secs(1))
        .body(body.to_string());
    // The exit code and standard error say the same, should nobody listen.
    let _ = request.send().await;
}

fn complain(message: &str) {
    let _ = writeln!(stderr(), "cognito-authorizer: {message}");
}

const UNTIL_CONFIGURED: TelemetrySettings =
    TelemetrySettings { level: Level::Error, format: LogFormat::Json, metrics_namespace: None };

const INIT_ERROR_TYPE: &str = "Runtime.InvalidConfiguration";

const OUTSIDE_LAMBDA: &str = "this is a Lambda function, started outside Lambda: \
    run `cargo run --example local` to see it work, or `cargo lambda watch --invoke-address 127.0.0.1`";
