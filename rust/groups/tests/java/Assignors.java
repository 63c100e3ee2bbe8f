// Kafka's own assignors, to compare ours with. A line in, a line out:
//   assignor|topic:count,...|member:instance:generation:topic+...:topic-partition+...;...
//   member=topic-partition+...;...

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Subscription;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.clients.consumer.RoundRobinAssignor;
import org.apache.kafka.clients.consumer.internals.AbstractPartitionAssignor;
import org.apache.kafka.common.TopicPartition;

public class Assignors {
    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null; line = in.readLine())
            System.out.println(answer(line.split("\\|", -1)));
    }

    static String answer(String[] question) {
        AbstractPartitionAssignor assignor = switch (question[0]) {
            case "range" -> new RangeAssignor();
            case "roundrobin" -> new RoundRobinAssignor();
            default -> new CooperativeStickyAssignor();
        };
        Map<String, Integer> counts = new HashMap<>();
        for (String topic : parts(question[1], ","))
            counts.put(topic.split(":")[0], Integer.parseInt(topic.split(":")[1]));
        Map<String, Subscription> members = new HashMap<>();
        for (String text : parts(question[2], ";")) {
            String[] member = text.split(":", -1);
            List<TopicPartition> owned = parts(member[4], "\\+").stream().map(Assignors::partition).toList();
            Subscription subscription = new Subscription(new ArrayList<>(parts(member[3], "\\+")), null,
                    new ArrayList<>(owned), Integer.parseInt(member[2]), Optional.empty());
            if (!member[1].isEmpty())
                subscription.setGroupInstanceId(Optional.of(member[1]));
            members.put(member[0], subscription);
        }
        return new TreeMap<>(assignor.assign(counts, members)).entrySet().stream()
                .map(entry -> entry.getKey() + "=" + entry.getValue().stream().map(TopicPartition::toString)
                        .sorted().collect(Collectors.joining("+")))
                .collect(Collectors.joining(";"));
    }

    static List<String> parts(String text, String separator) {
        return text.isEmpty() ? List.of() : Arrays.asList(text.split(separator));
    }

    static TopicPartition partition(String text) {
        int dash = text.lastIndexOf('-');
        return new TopicPartition(text.substring(0, dash), Integer.parseInt(text.substring(dash + 1)));
    }
}
