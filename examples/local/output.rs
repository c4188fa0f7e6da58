//! What is printed while requests are served: by threads of its own, since whoever reads may be slow, or may have stopped.

use std::{
    io::{self, Write},
    sync::{
        LazyLock,
        mpsc::{SyncSender, sync_channel},
    },
    thread,
};

/// On standard output.
pub(crate) fn say(text: String) {
    static WRITER: LazyLock<SyncSender<String>> = LazyLock::new(|| write_to(io::stdout()));
    // What nobody reads is not worth waiting for.
    let _ = WRITER.try_send(text);
}

/// On standard error.
pub(crate) fn complain(text: String) {
    static WRITER: LazyLock<SyncSender<String>> = LazyLock::new(|| write_to(io::stderr()));
    let _ = WRITER.try_send(text);
}

fn write_to(mut stream: impl Write + Send + 'static) -> SyncSender<String> {
    let (sender, texts) = sync_channel::<String>(MOST_WAITING);
    thread::spawn(move || {
        for text in texts {
            // Whoever read may have gone.
            let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
        }
    });
    sender
}

/// Texts that wait for a reader; more are dropped.
const MOST_WAITING: usize = 10_000;
