//! What a collector has learnt, handed on when its run is configured anew: its counts go on.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

/// What those have learnt that gave way, by its type.
#[derive(Clone, Default)]
pub struct Kept(Arc<Mutex<HashMap<TypeId, Box<dyn Any + Send>>>>);

impl fmt::Debug for Kept {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Kept").field(&self.0.lock().len()).finish()
    }
}

/// Makes of what the one before has learnt, if there was one, what to go on with.
type GoOn<S> = Box<dyn FnOnce(Option<S>) -> S + Send>;

/// What one collector has learnt. It is kept for the next when this goes.
pub(super) struct Learnt<S: Send + 'static> {
    own: Option<S>,
    go_on: Option<GoOn<S>>,
    kept: Kept,
}

impl Kept {
    /// What will be known from the first run on: until then the one before may be at work.
    pub(super) fn learnt<S: Send>(&self, go_on: impl FnOnce(Option<S>) -> S + Send + 'static) -> Learnt<S> {
        Learnt { own: None, go_on: Some(Box::new(go_on)), kept: self.clone() }
    }

    /// What all of them have in common, those that were left behind as well; made by who asks first.
    pub(super) fn common<S: Clone + Default + Send + 'static>(&self) -> S {
        let mut kept = self.0.lock();
        let common = kept.entry(TypeId::of::<S>()).or_insert_with(|| Box::new(S::default()));
        common.downcast_ref::<S>().cloned().unwrap_or_default()
    }

    fn take<S: 'static>(&self) -> Option<S> {
        let kept = self.0.lock().remove(&TypeId::of::<S>())?;
        kept.downcast().ok().map(|kept| *kept)
    }
}

impl<S: Send> Learnt<S> {
    /// It, in a run.
    pub(super) fn get(&mut self) -> &mut S {
        if let Some(go_on) = self.go_on.take() {
            self.own = Some(go_on(self.kept.take()));
        }
        self.own.as_mut().expect("invariant: made at the first look")
    }
}

impl<S: Send> Drop for Learnt<S> {
    fn drop(&mut self) {
        if let Some(own) = self.own.take() {
            self.kept.0.lock().insert(TypeId::of::<S>(), Box::new(own));
        }
    }
}
