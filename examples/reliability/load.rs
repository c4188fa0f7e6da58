//! Rotations, floods and little memory, under load.

use std::{thread, time::Duration};

use cognito_authorizer::time::Stopwatch;
use rand::{SeedableRng, rngs::SmallRng};

use crate::{
    faults::faults,
    growth::Growth,
    provider::{Conduct, Provider},
    tally::Tally,
    tokens::Brief,
    trial::{Settings, Stage, Trial},
};

/// The pool announces a new key, signs with it, withdraws the old one; or changes it at once. Made-up keys are asked
/// for all the while.
pub(crate) fn rotate(stage: &Stage, rotations: usize) -> Tally {
    let keys = &stage.mint.keys;
    let provider = Provider::start(&[&keys[0]], &stage.mint.impostor);
    let mut trial = Trial::start(stage, Some(&provider), &Settings::quick());
    for rotation in 0..rotations {
        let (old, new) = (rotation % keys.len(), (rotation + 1) % keys.len());
        trial.signers = vec![old, new];
        if rotation % 2 == 0 {
            provider.publish(&[&keys[old], &keys[new]]);
            trial.settle_for(BETWEEN_CHANGES);
        }
        provider.publish(&[&keys[new]]);
        trial.settle_for(BETWEEN_CHANGES);
    }
    let note = format!(
        "a new key's tokens refused for {:.1} s at most, a withdrawn one's allowed for {:.1} s",
        trial.unheard.as_secs_f64(),
        trial.lingering.as_secs_f64()
    );
    trial.tally.notes.push(note);
    trial.finish()
}

/// A thousand worthless tokens a second, each another one, beside a hundred genuine ones and a
/// hundred that end within seconds, with the usual settings.
pub(crate) fn flood(stage: &Stage, seconds: usize, within: Duration, allowance_kib: u64) -> Tally {
    let provider = Provider::start(&[&stage.mint.keys[0]], &stage.mint.impostor);
    let mut trial = Trial::start(stage, Some(&provider), &Settings::usual());
    // What the function remembers takes its memory before the flood.
    stage.mint.all_genuine(0).iter().for_each(|token| {
        trial.ask(token);
    });
    let (mut growth, mut brief) = (Growth::default(), Brief::default());
    let mut random = SmallRng::seed_from_u64(u64::try_from(seconds).unwrap());
    let stopwatch = Stopwatch::start();
    for number in 0..seconds * A_SECOND {
        trial.ask_worthless();
        if number % A_SECOND == 0 {
            brief.sign(&stage.mint, 0, number);
        }
        if number % 10 == 0 {
            trial.ask_genuine();
            trial.ask(brief.any(&mut random));
        }
        if number % (A_SECOND / 10) == 0 {
            growth.sample(trial.memory_kib());
        }
        let due = Duration::from_secs_f64(f64::from(u32::try_from(number).unwrap()) / 1e3);
        thread::sleep(due.saturating_sub(stopwatch.elapsed()));
    }
    let took = stopwatch.elapsed();
    trial.tally.notes.push(format!("took {:.0} s", took.as_secs_f64()));
    if took > within {
        trial.tally.failures.push("fewer than a thousand worthless tokens a second".to_owned());
    }
    growth.conclude(allowance_kib, &mut trial.tally);
    trial.finish()
}

/// Events of five megabytes and answers without end, where no more than 128 MiB can be had.
pub(crate) fn cap_memory(stage: &Stage, time: Duration) -> Tally {
    let provider = Provider::start(&[&stage.mint.keys[0]], &stage.mint.impostor);
    let mut trial = Trial::start_as(stage, &stage.capped, Some(&provider), &Settings::quick());
    let stopwatch = Stopwatch::start();
    let greedy = faults().into_iter().map(|(_, fault)| fault);
    let greedy: Vec<Conduct> = greedy.filter(|fault| matches!(fault, Conduct::Endless { .. })).collect();
    let mut turns = greedy.iter().cycle();
    while stopwatch.elapsed() < time {
        provider.conduct(turns.next().unwrap().clone());
        trial.ballast = Some("x".repeat(LARGE));
        trial.ask_any();
        trial.ballast = None;
        trial.ask_for(time / 20);
    }
    trial.heal();
    trial.finish()
}

/// Longer than the keys stay fresh, so that a withdrawn one is seen to end.
const BETWEEN_CHANGES: Duration = Duration::from_millis(2_500);

/// Worthless tokens in one.
const A_SECOND: usize = 1_000;

/// Below what Lambda takes for an event, 6 MB.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const LARGE: usize = 5_000_000;
