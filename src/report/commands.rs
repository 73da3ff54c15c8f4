//! Commands in suggestions, as people type them.
