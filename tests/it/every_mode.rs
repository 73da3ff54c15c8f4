//! One specification on every mode: each gets a new and empty database of the mode.

/// Makes a test of each function of the `specification` beside this module, in each mode.
macro_rules! in_every_mode {
    ($($name:ident)*) => {
        in_every_mode!(@ local: $($name)*);
        in_every_mode!(@ memory: $($name)*);
        in_every_mode!(@ remote: $($name)*);
        in_every_mode!(@ replica: $($name)*);
    };
    (@ $mode:ident: $($name:ident)*) => {
        mod $mode {
            use super::super::specification;
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    specification::$name(crate::world::World::$mode().await).await;
                }
            )*
        }
    };
}
