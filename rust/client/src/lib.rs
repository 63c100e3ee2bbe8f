//! A Kafka client: producer, consumer, admin; the same against kafkalite and against Apache Kafka.
