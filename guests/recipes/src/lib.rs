//! The recipes of `docs/recipes.md`, each in a file of its own.

mod attached_table;
mod cache;
mod import_job;
mod rate_limiter;
mod webhook;
