//! Options that are set one after another: `PlanOptions::default().target(Target::Version(3))`. Structs of options are
//! `#[non_exhaustive]`, so that they can grow, and a program outside of this crate cannot write them as literals. Never for
//! a struct whose fields depend on each other.

/// Gives a struct a method for each field, with the name of the field, that sets it and returns the struct.
macro_rules! setters {
    ($options:ident $(<$of:lifetime>)? { $($field:ident: $type:ty),+ $(,)? }) => {
        impl$(<$of>)? $options$(<$of>)? {
            $(
                #[doc = concat!("Sets [`", stringify!($field), "`](Self#structfield.", stringify!($field), ").")]
                #[must_use]
                pub fn $field(mut self, $field: $type) -> Self {
                    self.$field = $field;
                    self
                }
            )+
        }
    };
}

pub(crate) use setters;
