//! The translators against data of others.
