//! What holds for the repository as a whole.

mod crash_points;
mod docs;
