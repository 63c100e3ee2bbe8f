//! Kafka's messages: frames, headers, one file an API, the table of versions, the error codes. No I/O.
