//! A Kafka broker: listens, hands each request to its handler, answers.
