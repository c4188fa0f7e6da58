//! Whether memory grows.

use crate::tally::Tally;

/// The memory held, at equal distances.
#[derive(Default)]
pub(crate) struct Growth(Vec<u64>);

impl Growth {
    pub(crate) fn sample(&mut self, memory_kib: u64) {
        self.0.push(memory_kib);
    }

    /// Compares the first and the last tenth of what came after the warm-up, which was so many percent of all.
    pub(crate) fn conclude(self, warm_up: usize, tally: &mut Tally) {
        let warm = &self.0[self.0.len() * warm_up / 100..];
        let tenth = (warm.len() / 10).max(1);
        let tenths: Vec<u64> = warm.chunks(tenth).take(10).map(mean).collect();
        let (first, last) = (tenths[0], tenths[tenths.len() - 1]);
        tally.notes.push(format!("memory in KiB, tenth by tenth: {tenths:?}"));
        if last > first + ALLOWANCE_KIB {
            tally.failures.push(format!("memory grew by {} KiB", last - first));
        }
    }
}

fn mean(samples: &[u64]) -> u64 {
    samples.iter().sum::<u64>() / u64::try_from(samples.len()).unwrap()
}

/// What an allocator may take to settle. Over a million invocations a leak of one byte in each is four times that.
const ALLOWANCE_KIB: u64 = 256;
