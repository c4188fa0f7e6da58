//! The function's executable, which cargo does not build for an example.

use std::{io, path::PathBuf, process::Stdio};

use serde_json::Value;
use thiserror::Error;
use tokio::process::Command;

/// Why there is no executable. What the compiler had to say, it has said.
#[derive(Debug, Error)]
pub(crate) enum BuildError {
    #[error("cargo cannot be run: {0}")]
    System(#[from] io::Error),
    #[error("the function does not build")]
    Failed,
}

/// Builds the function as it is deployed, in a profile of cargo's; gives its path. Dropped, it ends the build.
pub(crate) async fn build(profile: &str) -> Result<PathBuf, BuildError> {
    let cargo = Command::new(env!("CARGO"))
        // Where .cargo/config.toml is.
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "--bin", "cognito-authorizer", "--profile", profile])
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await?;
    let messages = String::from_utf8_lossy(&cargo.stdout);
    let executable = messages.lines().find_map(read_executable);
    executable.filter(|_| cargo.status.success()).ok_or(BuildError::Failed)
}

/// The path in cargo's message that something was built, if that is a program.
/// <https://doc.rust-lang.org/cargo/reference/external-tools.html#artifact-messages>
fn read_executable(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    message["executable"].as_str().map(PathBuf::from)
}
