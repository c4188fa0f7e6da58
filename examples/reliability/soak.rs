//! Everything at once, for long.

use rand::{RngExt, SeedableRng, rngs::SmallRng};

use crate::{
    faults::faults,
    growth::Growth,
    provider::{Conduct, Provider},
    tally::Tally,
    tokens::Brief,
    trial::{Settings, Stage, Trial},
};

/// What happens to the pool, in turns.
#[derive(Clone, Copy, Debug)]
enum Turn {
    /// A new key is published beside the old one, and both sign.
    Announce,
    /// The old key is withdrawn.
    Withdraw,
    /// The provider is down, in one of its ways.
    Outage,
    /// Nothing.
    Calm,
    /// The key is changed at once.
    Replace,
}

/// They repeat until all is asked.
const TURNS: [Turn; 8] = [
    Turn::Announce,
    Turn::Withdraw,
    Turn::Outage,
    Turn::Calm,
    Turn::Replace,
    Turn::Outage,
    Turn::Calm,
    Turn::Outage,
];

pub(crate) fn soak(stage: &Stage, invocations: usize, turns: usize, allowance_kib: u64) -> Tally {
    let provider = Provider::start(&[&stage.mint.keys[0]], &stage.mint.impostor);
    let mut trial = Trial::start(stage, Some(&provider), &Settings::quick());
    let mut random = SmallRng::seed_from_u64(u64::try_from(invocations).unwrap());
    let (mut growth, mut brief, mut current) = (Growth::default(), Brief::default(), 0);
    let mut faults = faults().into_iter().cycle();
    for turn in TURNS.iter().cycle().take(turns) {
        current = take(*turn, stage, &provider, &mut trial, current);
        if let Turn::Outage = turn {
            provider.conduct(faults.next().unwrap().1);
        }
        brief.sign(&stage.mint, current, trial.tally.asked);
        for number in 0..invocations / turns {
            if trial.is_hopeless() {
                break;
            }
            if random.random_ratio(1, 50) {
                trial.ask(brief.any(&mut random));
            } else {
                trial.ask_any();
            }
            if number % (invocations / 1_000) == 0 {
                growth.sample(trial.memory_kib());
            }
        }
    }
    trial.heal();
    growth.conclude(allowance_kib, &mut trial.tally);
    trial.finish()
}

/// Has the pool take its turn; gives the key that it signs with from then on.
fn take(turn: Turn, stage: &Stage, provider: &Provider, trial: &mut Trial, current: usize) -> usize {
    let keys = &stage.mint.keys;
    let next = (current + 1) % keys.len();
    provider.conduct(Conduct::Well);
    match turn {
        Turn::Announce => {
            provider.publish(&[&keys[current], &keys[next]]);
            trial.signers = vec![current, next];
        }
        Turn::Withdraw => {
            provider.publish(&[&keys[next]]);
            return next;
        }
        Turn::Outage => {}
        Turn::Calm => trial.signers = vec![current],
        Turn::Replace => {
            provider.publish(&[&keys[next]]);
            trial.signers = vec![current, next];
            return next;
        }
    }
    current
}
