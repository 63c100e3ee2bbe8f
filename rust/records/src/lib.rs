//! Kafka's record batches: parse as a view, build, compress, checksum. No I/O.
