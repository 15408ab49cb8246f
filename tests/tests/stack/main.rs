//! The default stack over a leaf in memory, stepped by hand.

mod cancelled;
mod deadlines;
