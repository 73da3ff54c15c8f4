//! Whether a database holds what a dump says.
mod affinity;
mod tally;
