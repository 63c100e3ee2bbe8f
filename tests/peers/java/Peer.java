// Publishes records from standard input with Kafka's Java client, or reads a partition back to standard output.
// One record is one line of JSON; keys, values and header values are base64 so that any bytes travel.
// Run from source: java -cp "$(kafka classpath)" Peer.java produce|consume SERVERS TOPIC PARTITION CODEC|COUNT

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public class Peer {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long PATIENCE_MS = 30_000;

    public static void main(String[] args) throws Exception {
        TopicPartition partition = new TopicPartition(args[2], Integer.parseInt(args[3]));
        if (args[0].equals("produce")) {
            produce(args[1], partition, args[4]);
        } else {
            consume(args[1], partition, Integer.parseInt(args[4]));
        }
    }

    private static void produce(String servers, TopicPartition partition, String codec) throws Exception {
        Map<String, Object> settings = Map.of("bootstrap.servers", servers, "compression.type", codec, "linger.ms", 20,
            "delivery.timeout.ms", (int) PATIENCE_MS, "request.timeout.ms", 10_000, "max.block.ms", PATIENCE_MS);
        List<Future<?>> sent = new ArrayList<>();
        try (var producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
             var input = new BufferedReader(new InputStreamReader(System.in))) {
            for (String line; (line = input.readLine()) != null; ) {
                JsonNode node = JSON.readTree(line);
                var record = new ProducerRecord<>(partition.topic(), partition.partition(), node.get("timestamp").asLong(),
                    bytes(node.get("key")), bytes(node.get("value")));
                for (JsonNode header : node.get("headers")) {
                    record.headers().add(header.get(0).asText(), bytes(header.get(1)));
                }
                sent.add(producer.send(record));
            }
            for (Future<?> delivery : sent) {
                delivery.get();
            }
        }
    }

    private static void consume(String servers, TopicPartition partition, int count) throws IOException {
        Map<String, Object> settings = Map.of("bootstrap.servers", servers, "auto.offset.reset", "earliest");
        PrintStream out = new PrintStream(System.out, false);
        long deadline = System.currentTimeMillis() + PATIENCE_MS;
        try (var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            while (count > 0 && System.currentTimeMillis() < deadline) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                    if (count-- > 0) {
                        out.println(line(record));
                    }
                }
            }
        }
        out.flush();
        if (count > 0) {
            throw new IOException(count + " records did not come within " + PATIENCE_MS + " ms");
        }
    }

    private static byte[] bytes(JsonNode node) throws IOException {
        return node.isNull() ? null : node.binaryValue();
    }

    private static String line(ConsumerRecord<byte[], byte[]> record) {
        ObjectNode node = JSON.createObjectNode().put("offset", record.offset()).put("timestamp", record.timestamp())
            .put("key", record.key()).put("value", record.value());
        var headers = node.putArray("headers");
        for (Header header : record.headers()) {
            headers.addArray().add(header.key()).add(header.value());
        }
        return node.toString();
    }
}
