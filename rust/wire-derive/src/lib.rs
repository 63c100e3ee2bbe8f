//! The derive macro behind kafkalite-wire: a struct's fields and versions become its encoder and decoder.
//! It knows nothing of any single message and does no I/O.
//!
//! `#[derive(Message)]` implements `kafkalite_wire::Value` (schema, smallest size, read, write) and `Default` (with
//! Kafka's default values) for a struct with named fields. What a field needs to say stands in `#[wire(…)]`:
//!
//! | attribute | meaning | left out |
//! |---|---|---|
//! | `versions = 4..` | the versions that carry the field; any range of integers | all |
//! | `nullable = 1..` | the versions in which an `Option` may be null | required on `Option`, forbidden elsewhere |
//! | `tag = 0` | in its versions the field is a tagged one (KIP-482) | a plain field |
//! | `default = -1` | value when absent | the type's own default |
//! | `ignorable` | a version that lacks the field drops a value silently | encoding such a value is an error |

#![allow(clippy::single_match_else)] // quote! expands to a block, which the lint takes for a long else

mod codec;
mod field;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Implements `Value` and `Default` for one struct of a Kafka message; see the crate's front page.
#[proc_macro_derive(Message, attributes(wire))]
pub fn derive_message(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    codec::implement(&input)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
