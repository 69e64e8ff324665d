//! The real binary. As root it runs as nobody, so that what a user may not do fails here too.

mod command_lines;
mod dialogue;
mod files;
mod flags;
mod host;
mod keys;
mod output;
mod picture;
mod scripts;
