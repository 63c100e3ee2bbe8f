//! The derive macro behind kafkalite-wire: a struct's fields and versions become its encoder and decoder.
