//! A process that Lambda freezes: between two events, and, should it ever, in the middle of one.

use std::{process::Command, thread, time::Duration};

use crate::{
    judge::Seen,
    provider::{Conduct, Provider},
    tally::Tally,
    trial::{Settings, Stage, Trial},
};

fn provider(stage: &Stage) -> Provider {
    Provider::start(&[&stage.mint.keys[0]], &stage.mint.impostor)
}

/// Stops a process for so long, as Lambda's sandbox does.
fn freeze(process: u32, time: Duration) {
    signal(process, "-STOP");
    thread::sleep(time);
    signal(process, "-CONT");
}

fn signal(process: u32, signal: &str) {
    let status = Command::new("kill").args([signal, &process.to_string()]).status();
    assert!(status.unwrap().success(), "the process is gone");
}

/// Asleep while the pool changes its key: the old one's remembered tokens must not outlive the first event after.
pub(crate) fn through_a_rotation(stage: &Stage, time: Duration) -> Tally {
    let provider = provider(stage);
    let mut trial = Trial::start(stage, Some(&provider), &Settings::quick());
    trial.ask_for(A_MOMENT);
    provider.publish(&[&stage.mint.keys[1]]);
    freeze(trial.function_id(), time);
    trial.ask_genuine();
    trial.signers = vec![0, 1];
    trial.ask_for(A_MOMENT);
    trial.signers = vec![1];
    trial.heal();
    trial.finish()
}

/// The provider is down when the function wakes up, its keys stale or, with so little `max_stale`, expired.
pub(crate) fn into_an_outage(stage: &Stage, time: Duration, max_stale: Option<Duration>) -> Tally {
    let provider = provider(stage);
    let mut settings = Settings::quick();
    settings.limits.max_stale = max_stale.unwrap_or(settings.limits.max_stale);
    let mut trial = Trial::start(stage, Some(&provider), &settings);
    trial.ask_for(A_MOMENT);
    provider.conduct(Conduct::Resets);
    freeze(trial.function_id(), time);
    trial.ask_for(A_MOMENT);
    trial.heal();
    trial.finish()
}

/// Frozen while it waits for keys, which come meanwhile or do not: without keys, and with stale ones.
pub(crate) fn within_a_fetch(stage: &Stage, time: Duration, meanwhile: &Conduct) -> Tally {
    let [without, with] = thread::scope(|scope| {
        [false, true]
            .map(|has_keys| scope.spawn(move || freeze_within_a_fetch(stage, time, meanwhile, has_keys)))
            .map(|trial| trial.join().unwrap())
    });
    let mut tally = without;
    tally.add(with);
    tally.notes.push("slowest without the freeze".to_owned());
    tally
}

fn freeze_within_a_fetch(stage: &Stage, time: Duration, meanwhile: &Conduct, has_keys: bool) -> Tally {
    let provider = provider(stage);
    if !has_keys {
        provider.conduct(Conduct::Resets);
    }
    let settings = Settings::quick();
    let mut trial = Trial::start(stage, Some(&provider), &settings);
    // So that keys that it has are stale.
    thread::sleep(settings.limits.ttl + A_MOMENT);
    provider.conduct(Conduct::Held);
    let process = trial.function_id();
    let slowest = trial.tally.slowest;
    let seen = thread::scope(|scope| {
        scope.spawn(|| {
            while !provider.was_asked() {
                thread::sleep(Duration::from_millis(1));
            }
            signal(process, "-STOP");
            provider.conduct(meanwhile.clone());
            thread::sleep(time);
            signal(process, "-CONT");
        });
        trial.ask_genuine()
    });
    trial.tally.slowest = slowest;
    let before = if has_keys { "with keys" } else { "without" };
    let answer = if seen == Seen::Allowed { "Allow" } else { "500" };
    trial.tally.notes.push(format!("{before}: {answer}"));
    trial.heal();
    trial.ask_for(A_MOMENT);
    trial.finish()
}

/// Enough for some events, and within a cooldown.
const A_MOMENT: Duration = Duration::from_millis(300);
