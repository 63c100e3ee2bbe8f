//! What tables of settings are made of, for broker and clients alike: a row, what may be written in it, in which words anything
//! else is refused, and files of such settings.
//!
//! Which settings there are, and what follows from them, is for those who have the tables.

pub mod properties;
