//! Long work that waits more than it computes.

use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Does the work on each item, on two threads, and gives the results in the order of the items.
///
/// # Panics
/// The work panicked.
pub fn side_by_side<T: Send, R: Send>(items: impl IntoIterator<Item = T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let items: Vec<(usize, T)> = items.into_iter().enumerate().collect();
    let waiting = Mutex::new(items.into_iter());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    let worker = || {
        let mut done = Vec::new();
        while let Some((at, item)) = next() {
            done.push((at, work(item)));
        }
        done
    };
    let mut done = thread::scope(|scope| {
        let other = scope.spawn(worker);
        let mut done = worker();
        done.append(&mut other.join().unwrap_or_else(|panicked| resume_unwind(panicked)));
        done
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::side_by_side;

    #[test]
    fn results_keep_the_order_of_the_items() {
        assert_eq!(side_by_side(0..100, |number| number * 2), (0..100).map(|number| number * 2).collect::<Vec<_>>());
    }
}
