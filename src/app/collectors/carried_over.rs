//! What a collector has learnt, handed on when its run is configured anew: its counts go on.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

/// What those have learnt that gave way, by its type.
#[derive(Clone, Default)]
pub struct Kept(Arc<Mutex<HashMap<TypeId, Handed>>>);

#[derive(Default)]
struct Handed {
    own: Option<Box<dyn Any + Send>>,
    /// How many have gone on from it.
    taken: u64,
}

impl fmt::Debug for Kept {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Kept").field(&self.0.lock().len()).finish()
    }
}

/// Makes of what the one before has learnt, if there was one, what to go on with.
type GoOn<S> = Box<dyn FnOnce(Option<S>) -> S + Send>;

/// What one collector has learnt and goes on from. It is kept for the next when this goes.
pub(super) struct CarriedOver<S: Send + 'static> {
    own: Option<S>,
    /// Which one it is of those that have gone on.
    number: u64,
    go_on: Option<GoOn<S>>,
    kept: Kept,
}

impl Kept {
    /// What will be known from the first run on: until then the one before may be at work.
    pub(super) fn carried_over<S: Send>(
        &self,
        go_on: impl FnOnce(Option<S>) -> S + Send + 'static,
    ) -> CarriedOver<S> {
        CarriedOver { own: None, number: 0, go_on: Some(Box::new(go_on)), kept: self.clone() }
    }

    /// What all of them have in common, those that were left behind as well; made by who asks first.
    pub(super) fn common<S: Clone + Default + Send + 'static>(&self) -> S {
        let mut kept = self.0.lock();
        let common = &mut kept.entry(TypeId::of::<S>()).or_default().own;
        let common = common.get_or_insert_with(|| Box::new(S::default()));
        common.downcast_ref::<S>().cloned().unwrap_or_default()
    }

    fn take<S: 'static>(&self) -> (u64, Option<S>) {
        let mut kept = self.0.lock();
        let handed = kept.entry(TypeId::of::<S>()).or_default();
        handed.taken += 1;
        (handed.taken, handed.own.take().and_then(|own| own.downcast().ok()).map(|own| *own))
    }
}

impl<S: Send> CarriedOver<S> {
    /// It, in a run.
    pub(super) fn get(&mut self) -> &mut S {
        if let Some(go_on) = self.go_on.take() {
            let (number, before) = self.kept.take();
            (self.number, self.own) = (number, Some(go_on(before)));
        }
        self.own.as_mut().expect("invariant: made at the first look")
    }
}

impl<S: Send> Drop for CarriedOver<S> {
    fn drop(&mut self) {
        let Some(own) = self.own.take() else { return };
        // What was left behind is old: another has gone on since, without it.
        if let Some(handed) = self.kept.0.lock().get_mut(&TypeId::of::<S>())
            && handed.taken == self.number
        {
            handed.own = Some(Box::new(own));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Kept;

    #[test]
    fn what_was_left_behind_is_not_gone_on_from() {
        let kept = Kept::default();
        let count = || kept.carried_over(|before: Option<u32>| before.map_or(0, |before| before + 1));
        let (mut first, mut second) = (count(), count());
        assert_eq!(*first.get(), 0);
        drop(first);
        assert_eq!(*second.get(), 1);
        // The second hangs: the third begins anew.
        let mut third = count();
        *third.get() += 10;
        drop(second);
        let mut fourth = count();
        drop(third);
        assert_eq!(*fourth.get(), 11);
    }
}
