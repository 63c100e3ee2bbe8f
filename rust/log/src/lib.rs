//! One partition on disk, in Apache Kafka's own layout: append, read, roll, recover, retain. Synchronous; no sockets.
