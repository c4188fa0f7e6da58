//! What the targets share: signed tokens, mutations that know JSON, and a second opinion on JSON.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a panic is how a target says that something is wrong"
)]

pub mod json;
pub mod mutate;
pub mod signed;
pub mod verdict;

/// Runs a future that waits for nothing but itself.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}
